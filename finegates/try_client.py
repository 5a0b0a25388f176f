"""Asks a finished run's model in its own process: start, look, ask, stop. Loads no torch."""

import contextlib
import secrets
import time
from dataclasses import dataclass

from filelock import FileLock

from finegates.errors import RunError
from finegates.runs import Run
from finegates.status import process_alive
from finegates.storage import read_json, write_json
from finegates.tasks import FAILED, RUNNING, read_task, start_task, stop_task
from finegates.try_messages import (
    ANSWER,
    POLL_S,
    QUESTION,
    READY_FILE,
    TRY_TASK,
    Question,
    Reply,
    try_folder,
)

OFF, LOADING, READY = "off", "loading", "ready"
ANSWER_WITHIN_S = 60.0
"""A new cut of a large model takes a while on a busy machine."""
_START_LOCK = ".start.lock"
_START_WAIT_S = 10.0


@dataclass(frozen=True)
class TryState:
    """Where the process of a run stands.

    Attributes:
        state: ``off``, ``loading``, ``ready`` or ``failed``.
        reason: Why it failed; empty if it did not.
        started: When, in seconds since 1970; 0 if it is off.
    """

    state: str
    reason: str = ""
    started: float = 0.0


def look(run: Run) -> TryState:
    """Where the process of a run stands; one that was killed is not taken for a living one."""
    task = read_task(run, TRY_TASK)
    if _is_ready(run):
        return TryState(READY, started=task.started if task else 0.0)
    if task is None or task.state not in (RUNNING, FAILED):
        return TryState(OFF)
    if task.state == FAILED:
        return TryState(FAILED, task.reason)
    return TryState(LOADING, started=task.started)


def start(run: Run) -> None:
    """Sees to it that a process loads the run; two who ask at once start one.

    Raises:
        RunError: If the run's folder can't be written.
    """
    folder = try_folder(run)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / _START_LOCK, timeout=_START_WAIT_S):
            if look(run).state not in (LOADING, READY):
                (folder / READY_FILE).unlink(missing_ok=True)
                start_task(run, TRY_TASK, ["answer", str(run.path)])
    except OSError as error:  # a lock's timeout is one, too
        raise RunError(f"No model can be started for {run.id}: {error}.") from error


def stop(run: Run) -> None:
    """Ends the process of a run, if there is one."""
    with contextlib.suppress(RunError):
        stop_task(run, TRY_TASK)


def ask(run: Run, question: Question, within_s: float = ANSWER_WITHIN_S) -> Reply:
    """Asks a process that is ready, and waits for its answer.

    Raises:
        RunError: If no process is ready, it ends meanwhile, or says why it can't answer.
    """
    folder, name = try_folder(run), secrets.token_hex(8)
    asked, answered = folder / f"{name}{QUESTION}", folder / f"{name}{ANSWER}"
    deadline = time.monotonic() + within_s
    try:
        if _is_ready(run):
            write_json(asked, question.to_dict())
        while _is_ready(run) and not answered.exists() and time.monotonic() < deadline:
            time.sleep(POLL_S)
        if not answered.exists():
            raise RunError(_why_not(run, within_s))
        return Reply.from_dict(read_json(answered))
    finally:
        for path in (asked, answered):
            path.unlink(missing_ok=True)


def _is_ready(run: Run) -> bool:
    try:
        ready = read_json(try_folder(run) / READY_FILE)
        return process_alive(ready["pid"], ready["created"])
    except (RunError, KeyError, TypeError):
        return False


def _why_not(run: Run, within_s: float) -> str:
    state = look(run)
    if state.state == READY:
        return f"The model of {run.id} has not answered within {within_s:.0f} s; ask again."
    return state.reason or f"The model of {run.id} is not loaded ({state.state}); load it first."
