"""Runs on this machine: `finegates.jobs.dispatcher` starts them when a device is free."""

import contextlib
import os
import signal
import socket

from finegates.files.read_only import check_may_change
from finegates.jobs import dispatcher
from finegates.jobs.inputs import check_device
from finegates.jobs.launchers.base import LOG_BYTES, JobInfo, wait_until_over
from finegates.runs.folder import Run
from finegates.runs.launch import LOCAL, Launch
from finegates.runs.status import Status, process_alive
from finegates.spec import RunSpec

KILL_GRACE_S = 5.0


class LocalLauncher:
    """Implements `finegates.jobs.launchers.base.Launcher`."""

    def check(self, spec: RunSpec, launch: Launch) -> None:
        """Raises SpecError if this machine lacks the devices."""
        check_device(spec.device, spec.num_processes)

    def submit(self, run: Run) -> None:
        """Starts a dispatcher; it soon ends if another one is running."""
        dispatcher.start_dispatcher(run.path.parent)

    def status(self, run: Run) -> JobInfo:
        """Where the worker is."""
        return JobInfo(LOCAL, node=run.status().host)

    def tail(self, run: Run, num_bytes: int = LOG_BYTES) -> str:
        """The end of the run's log."""
        return run.log_tail(num_bytes)

    def stop(self, run: Run, grace_s: float) -> Status:
        """After the grace: SIGTERM, then SIGKILL, to the worker's process group."""
        if not wait_until_over(run, grace_s):
            for signal_number in (signal.SIGTERM, signal.SIGKILL):
                signal_worker(run, signal_number)
                if wait_until_over(run, KILL_GRACE_S):
                    break
        return run.status()

    def withdraw(self, run: Run) -> None:
        """Does nothing: a dispatcher starts queued runs only."""

    def kill(self, run: Run) -> None:
        """SIGKILL to the worker's process group."""
        signal_worker(run, signal.SIGKILL)


def signal_worker(run: Run, signal_number: int) -> None:
    """Sends a signal to a live run's process group, if it is on this host."""
    check_may_change("stop a run")
    status = run.status()
    here = status.host == socket.gethostname()
    if status.is_live and here and process_alive(status.pid, status.process_created):
        with contextlib.suppress(ProcessLookupError):  # it may end at this moment
            group = os.getpgid(status.pid)
            send = os.killpg if group == status.pid else os.kill
            send(status.pid, signal_number)
