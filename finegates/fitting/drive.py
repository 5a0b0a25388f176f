"""Carries a search on: in this process, or in one in the background that outlives its page."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from filelock import FileLock, Timeout

from finegates.errors import RunError
from finegates.files.read_only import check_may_change
from finegates.fitting.file import Fit, open_fit
from finegates.fitting.fit import advance, take_up
from finegates.machine.processes import start_process
from finegates.runs.folder import Run

LOCK_SUFFIX, LOG_SUFFIX = ".fit.lock", ".fit.log"
_LOOK_WAIT_S = 2.0
"""A page that asks whether somebody carries a search on holds the lock for a moment."""
_START_WAIT_S, _START_POLL_S = 30.0, 0.1


def drive(fit: Fit, runs_dir: Path, looks: Iterable[object], say: Callable[[Run], None]) -> Fit:
    """Queues one run after the other until the search has ended.

    Args:
        fit: The search.
        runs_dir: Where its file and its runs are.
        looks: Gives way until the next look; endless.
        say: Is told the run at work at every look.

    Raises:
        RunError: If another process carries this search on, or a run has ended before its time.
        FineGatesError: If the next run could not work.
    """
    try:
        lock = FileLock(_hidden(runs_dir, fit.name, LOCK_SUFFIX), timeout=_LOOK_WAIT_S).acquire()
    except Timeout as error:
        raise RunError(
            f"The search '{fit.name}' is carried on by another process already. Watch it on the "
            "page How small?, or wait until it has ended."
        ) from error
    with lock:
        fit = take_up(fit, runs_dir)
        for _ in looks:
            fit, run = advance(fit, runs_dir)
            if run is None:
                return fit
            say(run)
    raise AssertionError("the looks never end")


def start_driver(runs_dir: Path, name: str) -> None:
    """Carries a search on in the background, and waits until that process has begun or ended.

    Raises:
        RunError: If there is no such search.
        ReadOnlyError: In read-only mode.
    """
    check_may_change("start a search")
    open_fit(runs_dir, name)
    with open(_hidden(runs_dir, name, LOG_SUFFIX), "wb") as log:
        process = start_process(["fit", "--name", name, "--runs-dir", str(runs_dir)], log)
    ends = time.monotonic() + _START_WAIT_S
    while time.monotonic() < ends and process.poll() is None and not is_driven(runs_dir, name):
        time.sleep(_START_POLL_S)


def is_driven(runs_dir: Path, name: str) -> bool:
    """Whether a process carries this search on now."""
    path = _hidden(runs_dir, name, LOCK_SUFFIX)
    if not path.exists():
        return False
    try:
        with FileLock(path, timeout=0):
            return False
    except Timeout:
        return True


def last_words(runs_dir: Path, name: str) -> str:
    """The last line that the background process wrote; empty if there was none."""
    path = _hidden(runs_dir, name, LOG_SUFFIX)
    if not path.is_file():
        return ""
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


def _hidden(runs_dir: Path, name: str, suffix: str) -> Path:
    return runs_dir / f".{name}{suffix}"
