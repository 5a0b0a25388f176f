"""Start, stop and resume runs in the background. Page and command line use the same functions.

A submitted run is a folder in state ``queued``; `finegates.dispatcher` starts it when a device is
free. Stopping is a request in the run folder first, signals only if that is not heard.
"""

import contextlib
import os
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from finegates.dispatcher import start_dispatcher
from finegates.errors import RunError
from finegates.inputs import check_device, check_inputs
from finegates.links import check_no_links
from finegates.read_only import check_may_change
from finegates.runs import Run, create_run
from finegates.spec import RunSpec
from finegates.status import (
    EXIT_FILE,
    PAUSE_FILE,
    STOP_FILE,
    Status,
    process_alive,
    write_status,
)

RESUMABLE_STATES = ("stopped", "failed", "lost")
POLL_S = 0.25
STOP_GRACE_S = 30.0
KILL_GRACE_S = 5.0


def submit(
    spec: RunSpec,
    runs_dir: Path,
    command: Sequence[str] | None = None,
    *,
    checked_data: Mapping[str, Any] | None = None,
    run_id: str | None = None,
    start: bool = True,
) -> Run:
    """Checks data and model, queues a run and sees to it that somebody starts it.

    Args:
        spec: What to do.
        runs_dir: Folder of all runs.
        command: The command line that repeats it; made from the spec if not given.
        checked_data: What `finegates.inputs` said of the data, where it has looked at this spec
            already; it is not read again then.
        run_id: One from `finegates.runs.new_run_id`; made if not given.
        start: Whether to start a dispatcher; who queues many runs starts one for all.

    Raises:
        FineGatesError: If the run could not work; no run folder is left behind.
    """
    check_may_change("start a run")
    if checked_data is None:
        spec, checked_data = check_inputs(spec)
    run = create_run(spec, checked_data, runs_dir, command, run_id)
    if start:
        start_dispatcher(runs_dir)
    return run


def resume(run: Run, *, start: bool = True) -> None:
    """Queues a run again that was stopped, failed or got lost; it goes on from its checkpoint.

    Args:
        run: The run.
        start: Whether to start a dispatcher, as in `submit`.

    Raises:
        RunError: If it is still going on, or finished.
        SpecError: If this machine has no such device.
    """
    check_may_change("resume a run")
    check_no_links(run.path)
    status = run.status()
    if status.state not in RESUMABLE_STATES:
        raise RunError(
            f"{run.id} is {status.state}; only a stopped, failed or lost run can resume."
        )
    check_device(run.spec.device)
    for name in (STOP_FILE, PAUSE_FILE, EXIT_FILE):
        (run.path / name).unlink(missing_ok=True)
    again = replace(status, state="queued", reason="", ended=None, heartbeat=time.time())
    write_status(run.path, again)
    if start:
        start_dispatcher(run.path.parent)


def request_stop(run: Run) -> None:
    """Asks a run to finish its step, save and end. Returns at once.

    Raises:
        RunError: If it is over already.
    """
    check_may_change("stop a run")
    check_no_links(run.path)
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
    check_may_change("stop a run")
    status = run.status()
    here = status.host == socket.gethostname()
    if status.is_live and here and process_alive(status.pid, status.process_created):
        with contextlib.suppress(ProcessLookupError):  # it may end at this very moment
            group = os.getpgid(status.pid)
            send = os.killpg if group == status.pid else os.kill
            send(status.pid, signal_number)


def pause(run: Run, paused: bool) -> None:
    """Asks a live run to wait after its step, or to go on."""
    check_may_change("pause a run")
    check_no_links(run.path)
    if paused:
        (run.path / PAUSE_FILE).touch()
    else:
        (run.path / PAUSE_FILE).unlink(missing_ok=True)


def _wait_until_over(run: Run, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if run.status().is_over:
            return True
        time.sleep(POLL_S)
    return run.status().is_over
