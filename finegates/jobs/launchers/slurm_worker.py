"""The worker of a run inside a Slurm job: prepares it, starts it, and records how it ended.

A job that is about to be requeued, or that was started again, writes on behalf of a worker that is
gone, always under the worker's lock.
"""

import os
import signal
import subprocess
import time
from dataclasses import replace

from filelock import FileLock

from finegates.jobs.dispatcher import record_crash
from finegates.jobs.worker import WORKER_LOCK
from finegates.machine.processes import start_process
from finegates.runs.folder import LOG_FILE, Run
from finegates.runs.launch import read_launch
from finegates.runs.status import EXIT_FILE, read_status, write_status, written_status
from finegates.runs.stop_request import STOP_FILE, StopRequest, read_stop

TIMED_OUT, PREEMPTED = "timed out", "preempted"
LOCK_WAIT_S = 60.0


def make_ready(run: Run) -> None:
    """Queues a run again whose last worker died with an earlier start of this same job.

    Slurm restarts a job on its own after a preemption or the loss of a node, when the worker could
    not write any more. Waits for a worker that is about to end.
    """
    with worker_lock(run):
        status, asked = written_status(run.path), read_stop(run.path)
        by_user = asked is not None and asked.by_user
        if status.is_live and asked and by_user:
            stopped = replace(status, state=asked.state, reason=asked.killed_reason)
            write_status(run.path, stopped)
        elif status.is_live or status.state in (TIMED_OUT, PREEMPTED):
            reason = f"Slurm started it again after step {status.step}."
            write_status(run.path, replace(status, state="queued", reason=reason, ended=None))
        if not by_user:
            (run.path / STOP_FILE).unlink(missing_ok=True)
        (run.path / EXIT_FILE).unlink(missing_ok=True)


def start_worker(run: Run) -> subprocess.Popen:
    """Starts the run's worker in a session of its own, where Slurm's signals do not reach it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGUSR2})
    try:
        with open(run.path / LOG_FILE, "ab") as log:
            words = ["worker", str(run.path), "--device", device_of(run)]
            return start_process(words, log, _threads())
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def device_of(run: Run) -> str:
    """Where the run trains, among the devices that Slurm has given the job."""
    wanted, gpus = run.spec.device, read_launch(run.path).settings.gpus
    if wanted == "auto":
        wanted = "cuda" if gpus else "cpu"
    if wanted != "cuda":
        return wanted
    return ",".join(f"cuda:{i}" for i in range(run.spec.num_processes))  # a job's GPUs, from 0


def _threads() -> dict[str, str]:
    cpus = os.environ.get("SLURM_CPUS_PER_TASK") or os.environ.get("SLURM_CPUS_ON_NODE")
    given = "OMP_NUM_THREADS" in os.environ
    return {} if given or cpus is None else {"OMP_NUM_THREADS": cpus}


def conclude(run: Run, process: subprocess.Popen) -> str:
    """Writes what a worker that is gone could not; its pid is valid on this node only."""
    if process.returncode:
        record_crash(run, process)
    with worker_lock(run):
        if written_status(run.path).is_live:
            write_status(run.path, read_status(run.path))
        return written_status(run.path).state


def end_as(run: Run, asked: StopRequest) -> bool:
    """Whether a run has ended as its job asked for; written here if the worker had to be killed."""
    with worker_lock(run):
        status, request = written_status(run.path), read_stop(run.path)
        if request is None or request.by_user:
            return False
        unsaid = status.state != asked.state and status.state in ("queued", "stopped")
        if status.is_live or unsaid:  # killed, not begun, or asked for something else by SIGTERM
            lost = " It had to be killed: what came after its last evaluation is lost."
            ended = None if asked.state == "queued" else time.time()
            reason = f"{asked.reason}{lost if status.is_live else ''}"
            status = replace(status, state=asked.state, reason=reason, ended=ended)
            write_status(run.path, status)
        (run.path / STOP_FILE).unlink(missing_ok=True)
        (run.path / EXIT_FILE).unlink(missing_ok=True)
        return status.state == asked.state


def worker_lock(run: Run) -> FileLock:
    """What a worker holds while it runs; hold it before writing on the worker's behalf."""
    return FileLock(run.path / WORKER_LOCK, timeout=LOCK_WAIT_S)
