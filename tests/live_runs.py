"""Runs in real processes, waited for, held at a step, and found again by their runs folder."""

import time
from collections.abc import Callable
from pathlib import Path

import psutil

from finegates.jobs import control as jobs
from finegates.jobs import dispatcher
from finegates.runs.folder import Run
from finegates.runs.status import LIVE_STATES, Status

LONGEST_WAIT_S = 90.0
LEAVING_S = dispatcher.TAKEOVER_WAIT_S + 10.0


def wait_until(condition: Callable[[], object], seconds: float = LONGEST_WAIT_S) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def processes_of(runs_dir: Path) -> list[psutil.Process]:
    """Dispatchers and workers of this runs folder, which is this test's own."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            if any(str(runs_dir) in w for w in words) and "finegates" in words:
                found.append(process)
        except psutil.Error:
            continue
    return found


def dispatchers_of(runs_dir: Path) -> list[psutil.Process]:
    return [p for p in processes_of(runs_dir) if "dispatch" in p.cmdline()]


def state_of(run: Run) -> str:
    return run.status().state


def finish(*runs: Run) -> None:
    """Waits until runs are over; they have to have finished."""
    for run in runs:
        wait_until(lambda run=run: run.status().is_over)
        assert state_of(run) == "finished", (run.status(), run.log_tail())


def held(run: Run, after_step: int = 0) -> Status:
    """Lets a run go on to a step and holds it there, alive."""
    jobs.pause(run, after_step == 0)
    wait_until(lambda: run.status().step >= after_step and state_of(run) in LIVE_STATES)
    jobs.pause(run, True)
    wait_until(lambda: state_of(run) == "paused")
    return run.status()
