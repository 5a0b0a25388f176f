"""A real Slurm of one node, without systemd and without a database: munged, slurmctld and slurmd.

    python -m tests.slurm.start_slurm         # until Ctrl+C or SIGTERM; prints what to export

All of it lives in one temporary folder, listens on ports of its own and ends with who started it.
"""

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

PROGRAMS = ("munged", "mungekey", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel")
INSTALL = "apt-get install munge slurmctld slurmd slurm-client"
NUM_CPUS = 2
READY_S = 30.0
END_S = 10.0

CONFIG = """
ClusterName=t
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/run/munge.sock,cred_expire=5
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.log
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
SlurmdParameters=config_overrides
MailProg=/bin/true
MinJobAge=3600
KillWait=5
AccountingStorageType=accounting_storage/none
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=2000 State=UNKNOWN
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
"""`cred_expire` decides how soon a requeued job starts: a few times as long after it ended."""


def lacking() -> list[str]:
    """Programs that are not on the PATH; daemons are often in a folder that is not."""
    return [name for name in PROGRAMS if shutil.which(name, path=_path()) is None]


def _path() -> str:
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


@contextlib.contextmanager
def slurm() -> Iterator[dict[str, str]]:
    """Starts the cluster and gives the environment variables that its clients need."""
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))  # short: a socket's path has 108 letters
    daemons: list[subprocess.Popen] = []
    config = folder / "slurm.conf"
    given = {"SLURM_CONF": str(config)}
    try:
        _write(folder, config)
        for words in _daemons(folder, config):
            with open(folder / "log" / f"{words[0]}.out", "ab") as log:
                daemons.append(_start(words, log))
            if words[0] == "munged":
                _wait(lambda: (folder / "run" / "munge.sock").exists(), folder)
        _wait(lambda: _state(given) == "idle", folder)
        yield given
    finally:
        if len(daemons) == len(_daemons(folder, config)):
            _cancel_all(given)
        _end(daemons)
        shutil.rmtree(folder, ignore_errors=True)


def _write(folder: Path, config: Path) -> None:
    for name in ("log", "run", "state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    words = ["mungekey", "--create", f"--keyfile={key}", "--bits=1024"]
    subprocess.run([_find(words[0]), *words[1:]], check=True)
    controller, node = _free_port(), _free_port()
    text = CONFIG.format(
        host=socket.gethostname().split(".")[0], user=getpass.getuser(), folder=folder,
        controller_port=controller, node_port=node, cpus=NUM_CPUS,
    )  # fmt: skip
    config.write_text(text)


def _daemons(folder: Path, config: Path) -> list[list[str]]:
    munged = [
        "munged", "--foreground", "--force", f"--key-file={folder}/munge.key",
        f"--socket={folder}/run/munge.sock", f"--pid-file={folder}/run/munged.pid",
        f"--log-file={folder}/log/munged.log", f"--seed-file={folder}/run/munge.seed",
        "--num-threads=2",
    ]  # fmt: skip
    return [munged, ["slurmctld", "-D", "-f", str(config)], ["slurmd", "-D", "-f", str(config)]]


def _start(words: list[str], log) -> subprocess.Popen:
    return subprocess.Popen(
        [_find(words[0]), *words[1:]], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        start_new_session=True,
    )  # fmt: skip


def _cancel_all(given: dict[str, str]) -> None:
    """Ends every job: their steps would outlive the daemons."""
    environment = {**os.environ, **given}
    subprocess.run(["scancel", "--me"], env=environment, capture_output=True)
    deadline = time.monotonic() + END_S
    while time.monotonic() < deadline:
        left = subprocess.run(["squeue", "-h"], env=environment, capture_output=True).stdout
        if not left.strip():
            return
        time.sleep(0.2)


def _end(daemons: list[subprocess.Popen]) -> None:
    """Ends the node first."""
    for daemon in reversed(daemons):
        daemon.terminate()
        try:
            daemon.wait(END_S)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(daemon.pid, signal.SIGKILL)
            daemon.wait()


def _find(name: str) -> str:
    return shutil.which(name, path=_path()) or name


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _state(given: dict[str, str]) -> str:
    answer = subprocess.run(
        ["sinfo", "-h", "-o", "%t"], capture_output=True, text=True, env={**os.environ, **given}
    )
    return answer.stdout.strip()


def _wait(condition, folder: Path) -> None:
    deadline = time.monotonic() + READY_S
    while not condition():
        if time.monotonic() > deadline:
            logs = "\n".join(p.read_text()[-2000:] for p in sorted((folder / "log").iterdir()))
            raise RuntimeError(f"Slurm did not start within {READY_S:.0f} s:\n{logs}")
        time.sleep(0.1)


if __name__ == "__main__":
    if lacking():
        sys.exit(f"not installed: {', '.join(lacking())}. {INSTALL}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with slurm() as variables, contextlib.suppress(KeyboardInterrupt):
        print("\n".join(f"export {name}={value}" for name, value in variables.items()), flush=True)
        signal.pause()
