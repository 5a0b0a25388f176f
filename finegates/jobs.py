"""Start, stop and resume runs in the background. Page and command line use the same functions.

A submitted run is a folder in state ``queued``. One dispatcher process for each runs folder starts
queued runs in order, one at a time for each device, and ends when none is left. Nothing hangs on
the page or the server: dispatcher and workers live in sessions of their own, and who is alive is
read from the run folders.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from finegates.devices import matching_devices
from finegates.errors import RunError
from finegates.inputs import check_device, check_inputs
from finegates.runs import LOG_FILE, Run, create_run, list_runs
from finegates.spec import RunSpec
from finegates.status import (
    EXIT_FILE,
    LIVE_STATES,
    PAUSE_FILE,
    STOP_FILE,
    Status,
    process_alive,
    write_status,
)
from finegates.storage import write_json

DISPATCHER_LOCK = ".dispatcher.lock"
DISPATCHER_LOG = ".dispatcher.log"
POLL_S = 0.25
TAKEOVER_WAIT_S = 5.0
STOP_GRACE_S = 30.0
KILL_GRACE_S = 5.0


def submit(spec: RunSpec, runs_dir: Path, command: Sequence[str] | None = None) -> Run:
    """Checks data and model, queues a run and sees to it that somebody starts it.

    Raises:
        FineGatesError: If the run could not work; no run folder is left behind.
    """
    spec, data = check_inputs(spec)
    run = create_run(spec, data, runs_dir, command)
    start_dispatcher(runs_dir)
    return run


def resume(run: Run) -> None:
    """Queues a run again that was stopped, failed or got lost; it goes on from its checkpoint.

    Raises:
        RunError: If it is still going on, or finished.
        SpecError: If this machine has no such device.
    """
    status = run.status()
    if not status.is_over or status.state == "finished":
        raise RunError(
            f"{run.id} is {status.state}; only a stopped, failed or lost run can resume."
        )
    check_device(run.spec.device)
    for name in (STOP_FILE, PAUSE_FILE, EXIT_FILE):
        (run.path / name).unlink(missing_ok=True)
    again = replace(status, state="queued", reason="", ended=None, heartbeat=time.time())
    write_status(run.path, again)
    start_dispatcher(run.path.parent)


def request_stop(run: Run) -> None:
    """Asks a run to finish its step, save and end. Returns at once.

    Raises:
        RunError: If it is over already.
    """
    status = run.status()
    if status.is_over:
        raise RunError(f"{run.id} is {status.state} already; there is nothing to stop.")
    (run.path / STOP_FILE).touch()
    if status.state == "queued":
        reason = "Stopped by you before it started."
        write_status(run.path, replace(status, state="stopped", reason=reason, ended=time.time()))


def stop(run: Run, grace_s: float = STOP_GRACE_S) -> Status:
    """Stops a run and waits: a request first, then SIGTERM, then SIGKILL to its process group.

    Args:
        run: A queued or live run.
        grace_s: Seconds that the request is given.

    Raises:
        RunError: If it is over already.
    """
    request_stop(run)
    if not _wait_until_over(run, grace_s):
        for signal_number in (signal.SIGTERM, signal.SIGKILL):
            signal_worker(run, signal_number)
            if _wait_until_over(run, KILL_GRACE_S):
                break
    return run.status()


def signal_worker(run: Run, signal_number: int) -> None:
    """Sends a signal to a live run's process group, if it is on this host."""
    status = run.status()
    here = status.host == socket.gethostname()
    if status.is_live and here and process_alive(status.pid, status.process_created):
        with contextlib.suppress(ProcessLookupError):  # it may end at this very moment
            group = os.getpgid(status.pid)
            send = os.killpg if group == status.pid else os.kill
            send(status.pid, signal_number)


def pause(run: Run, paused: bool) -> None:
    """Asks a live run to wait after its step, or to go on."""
    if paused:
        (run.path / PAUSE_FILE).touch()
    else:
        (run.path / PAUSE_FILE).unlink(missing_ok=True)


def start_dispatcher(runs_dir: Path) -> None:
    """Starts a dispatcher in the background; it soon ends where another one is at work."""
    with open(runs_dir / DISPATCHER_LOG, "ab") as log:
        _start_process(["dispatch", "--runs-dir", str(runs_dir)], log)


def wake_queue(runs_dir: Path) -> None:
    """Starts a dispatcher if runs wait and none is at work, as after a restart of the machine."""
    waiting = any(run.row()["status"] == "queued" for run in list_runs(runs_dir))
    if not waiting:
        return
    try:
        with FileLock(runs_dir / DISPATCHER_LOCK, timeout=0):
            pass
    except Timeout:
        return
    start_dispatcher(runs_dir)


def queued_runs(runs_dir: Path) -> list[Run]:
    """Runs that wait, in the order in which they were queued."""
    waiting = [run for run in reversed(list_runs(runs_dir)) if run.row()["status"] == "queued"]
    return sorted(waiting, key=lambda run: run.status().heartbeat)


def dispatch(runs_dir: Path) -> None:
    """Starts queued runs until none is left and every worker it started has ended."""
    try:
        lock = FileLock(runs_dir / DISPATCHER_LOCK, timeout=TAKEOVER_WAIT_S).acquire()
    except Timeout:
        return
    workers: dict[Path, tuple[subprocess.Popen, str]] = {}
    with lock:
        while True:
            _reap(workers)
            waiting = [run for run in queued_runs(runs_dir) if run.path not in workers]
            if not waiting and not workers:
                return
            for run in waiting:
                if device := _free_device(run, runs_dir, workers):
                    workers[run.path] = (_start_worker(run, device), device)
            time.sleep(POLL_S)


def _free_device(run: Run, runs_dir: Path, workers: dict) -> str | None:
    busy = {device for _, device in workers.values()}
    busy |= {
        row["device"] for r in list_runs(runs_dir) if (row := r.row())["status"] in LIVE_STATES
    }
    return next((d.name for d in matching_devices(run.spec.device) if d.name not in busy), None)


def _start_worker(run: Run, device: str) -> subprocess.Popen:
    with open(run.path / LOG_FILE, "ab") as log:
        return _start_process(["worker", str(run.path), "--device", device], log)


def _start_process(arguments: list[str], log) -> subprocess.Popen:
    package_root = str(Path(__file__).resolve().parents[1])
    paths = [package_root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(
        [sys.executable, "-m", "finegates", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"},
    )


def _reap(workers: dict[Path, tuple[subprocess.Popen, str]]) -> None:
    for path, (process, _) in list(workers.items()):
        if process.poll() is not None:
            if process.returncode and path.is_dir():
                write_json(path / EXIT_FILE, {"exit_code": process.returncode})
                _fail_if_not_begun(Run(path), process)
            del workers[path]


def _fail_if_not_begun(run: Run, process: subprocess.Popen) -> None:
    """Ends a run whose worker died before its first word; else it would be started for ever."""
    status = run.status()
    if status.state == "queued" and status.pid != process.pid:
        reason = (
            f"The worker ended with exit code {process.returncode} before it began; see the log."
        )
        write_status(run.path, replace(status, state="failed", reason=reason, ended=time.time()))


def _wait_until_over(run: Run, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if run.status().is_over:
            return True
        time.sleep(POLL_S)
    return run.status().is_over
