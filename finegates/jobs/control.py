"""Start, stop and resume runs in the background. Page and command line use the same functions.

A submitted run is a folder in state ``queued``; its launcher (`finegates.jobs.launchers`) has
it started. Stopping is first a request in the run folder, and force only if the worker does not
react.
"""

import contextlib
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from finegates.errors import FineGatesError, RunError
from finegates.files.links import check_no_links
from finegates.files.read_only import check_may_change
from finegates.jobs.dispatcher import wake_queue
from finegates.jobs.inputs import check_inputs
from finegates.jobs.launchers import JobInfo, Launcher, launcher
from finegates.jobs.launchers.local import signal_worker
from finegates.jobs.launchers.slurm_queue import look_after
from finegates.runs.folder import Run, create_run
from finegates.runs.launch import HERE, Launch, is_local, read_launch, write_launch
from finegates.runs.status import (
    EXIT_FILE,
    PAUSE_FILE,
    RESUMABLE_STATES,
    STOP_FILE,
    Status,
    write_status,
)
from finegates.runs.stop_request import ask_to_stop
from finegates.spec import RunSpec

__all__ = [
    "check_launch", "job_info", "job_tail", "kill", "pause", "request_stop", "resume",
    "signal_worker", "stop", "submit", "tend",
]  # fmt: skip

STOP_GRACE_S = 30.0


def submit(
    spec: RunSpec,
    runs_dir: Path,
    command: Sequence[str] | None = None,
    *,
    checked_data: Mapping[str, Any] | None = None,
    run_id: str | None = None,
    start: bool = True,
    launch: Launch = HERE,
    name: str = "",
) -> Run:
    """Checks data and model, queues a run and has its launcher start it.

    Args:
        spec: What to do.
        runs_dir: Folder of all runs.
        command: The command line that repeats it; made from the spec if not given.
        checked_data: What `finegates.jobs.inputs` found in the data, if it has checked this spec
            already; the data is then not read again.
        run_id: One from `finegates.runs.folder.new_run_id`; made if not given.
        start: Whether to start a dispatcher; a caller that queues many runs starts one for all.
            A run for Slurm is submitted in any case.
        launch: Which launcher starts it.
        name: What the user calls it; empty to call it by what it is.

    Raises:
        FineGatesError: If the run could not work; no run folder is left behind.
    """
    check_may_change("start a run")
    if checked_data is None:
        check_launch(spec, launch)
        spec, checked_data = check_inputs(spec, here=launch.is_local, runs_dir=runs_dir)
    run = create_run(spec, checked_data, runs_dir, command, run_id, launch, name)
    if start or not launch.is_local:
        try:
            launcher(launch.launcher).submit(run)
        except FineGatesError:
            shutil.rmtree(run.path, ignore_errors=True)
            raise
    return run


def check_launch(spec: RunSpec, launch: Launch) -> None:
    """Raises SpecError if a run can't be started in this way from here."""
    launcher(launch.launcher).check(spec, launch)


def resume(run: Run, *, start: bool = True, launch: Launch | None = None) -> None:
    """Queues a run again that was stopped, failed or got lost; it goes on from its checkpoint.

    Args:
        run: The run.
        start: Whether to start a dispatcher, as in `submit`.
        launch: Which launcher starts it; the same as before if not given.

    Raises:
        RunError: If it is still running, or finished, or Slurm refuses it.
        SpecError: If the device does not exist.
    """
    check_may_change("resume a run")
    check_no_links(run.path)
    status = run.status()
    if status.state not in RESUMABLE_STATES:
        raise RunError(
            f"{run.id} is {status.state}; only a stopped, failed or lost run can resume, or one "
            "that was timed out or preempted."
        )
    before = read_launch(run.path)
    launch = replace(launch, job_id=before.job_id) if launch else before
    check_launch(run.spec, launch)
    write_launch(run.path, launch)
    for name in (STOP_FILE, PAUSE_FILE, EXIT_FILE):
        (run.path / name).unlink(missing_ok=True)
    again = replace(status, state="queued", reason="", ended=None, heartbeat=time.time())
    write_status(run.path, again)
    if start or not launch.is_local:
        try:
            launcher(launch.launcher).submit(run)
        except FineGatesError:
            write_status(run.path, status)
            raise


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
    ask_to_stop(run.path)
    if status.state == "queued":
        reason = "Stopped by you before it started."
        if status.step:
            reason = f"Stopped by you while it waited to go on from step {status.step}."
        write_status(run.path, replace(status, state="stopped", reason=reason, ended=time.time()))
        _launcher_of(run).withdraw(run)


def stop(run: Run, grace_s: float = STOP_GRACE_S) -> Status:
    """Stops a run and waits: a request first, then by force.

    On this machine that is SIGTERM and SIGKILL to its process group; in a Slurm job, scancel.

    Args:
        run: A queued or live run.
        grace_s: Seconds that the request is given.

    Raises:
        RunError: If it is over already.
    """
    request_stop(run)
    return _launcher_of(run).stop(run, grace_s)


def kill(run: Run) -> None:
    """Ends a live run at once; what it did since its last evaluation is lost."""
    check_may_change("stop a run")
    _launcher_of(run).kill(run)


def pause(run: Run, paused: bool) -> None:
    """Asks a live run to wait after its step, or to go on."""
    check_may_change("pause a run")
    check_no_links(run.path)
    if paused:
        (run.path / PAUSE_FILE).touch()
    else:
        (run.path / PAUSE_FILE).unlink(missing_ok=True)


def tend(runs_dir: Path) -> None:
    """Has queued runs started, and ends runs that wait for a job that is gone.

    Pages and commands that wait call it every few seconds; it starts and asks nothing needlessly.
    """
    wake_queue(runs_dir)
    look_after(runs_dir)


def job_info(run: Run) -> JobInfo | None:
    """What the launcher knows of a run; None on this machine, where the status is complete."""
    with contextlib.suppress(RunError):
        return None if is_local(run.path) else _launcher_of(run).status(run)
    return None


def job_tail(run: Run, num_bytes: int) -> str:
    """The end of what the run printed; before it has begun, what kept it from beginning."""
    try:
        return _launcher_of(run).tail(run, num_bytes)
    except RunError:  # its launcher can't be read; its log can
        return run.log_tail(num_bytes)


def _launcher_of(run: Run) -> Launcher:
    return launcher(read_launch(run.path).launcher)
