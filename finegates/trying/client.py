"""Asks a finished run's model in its own process: start, look, ask, stop. Loads no torch."""

import contextlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from filelock import FileLock

from finegates.errors import RunError
from finegates.files.read_only import check_may_change
from finegates.files.storage import read_json, write_json
from finegates.jobs.tasks import FAILED, RUNNING, forget_task, read_task, start_task, stop_task
from finegates.runs.folder import Run
from finegates.runs.status import process_alive
from finegates.trying.messages import (
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
_START_WAIT_S = 20.0
_END_WAIT_S = 10.0
"""A process that has loaded torch takes a second or two to end."""


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
    """Where the process of a run stands; a killed one does not count as alive."""
    task, answering = read_task(run, TRY_TASK), _answering(run)
    if answering is not None:
        since = task.started if task else 0.0
        return TryState(OFF) if answering.get("ending") else TryState(READY, started=since)
    if task is None or task.state not in (RUNNING, FAILED):
        return TryState(OFF)
    if task.state == FAILED:
        return TryState(FAILED, task.reason)
    return TryState(LOADING, started=task.started)


def start(run: Run) -> None:
    """Ensures that a process loads the run; two callers at the same time start only one.

    Raises:
        RunError: If the run's folder can't be written.
    """
    check_may_change("load a model")
    folder = try_folder(run)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / _START_LOCK, timeout=_START_WAIT_S):
            if look(run).state not in (LOADING, READY):
                _wait_while(lambda: _is_task_running(run), _END_WAIT_S)
                (folder / READY_FILE).unlink(missing_ok=True)
                start_task(run, TRY_TASK, ["answer", str(run.path)])
    except OSError as error:  # a lock's timeout is one, too
        raise RunError(f"No model can be started for {run.id}: {error}.") from error


def stop(run: Run) -> None:
    """Ends the process of a run, if one exists; waits briefly until it no longer answers."""
    with contextlib.suppress(RunError):
        stop_task(run, TRY_TASK)
        _wait_while(lambda: look(run).state in (LOADING, READY), _END_WAIT_S)
    if look(run).state == FAILED:  # it got the signal before it could listen, or had failed before
        forget_task(run, TRY_TASK)


def ask(run: Run, question: Question, within_s: float = ANSWER_WITHIN_S) -> Reply:
    """Asks a process that is ready, and waits for its answer.

    Raises:
        RunError: If no process is ready, it ends meanwhile, or reports why it can't answer.
    """
    check_may_change("ask a model")
    folder, name = try_folder(run), secrets.token_hex(8)
    asked, answered = folder / f"{name}{QUESTION}", folder / f"{name}{ANSWER}"
    try:
        if _is_ready(run):
            write_json(asked, question.to_dict())
        _wait_while(lambda: _is_ready(run) and not answered.exists(), within_s)
        if not answered.exists():
            raise RunError(_why_not(run, within_s))
        return Reply.from_dict(read_json(answered))
    finally:
        for path in (asked, answered):
            path.unlink(missing_ok=True)


def _is_ready(run: Run) -> bool:
    answering = _answering(run)
    return answering is not None and not answering.get("ending")


def _answering(run: Run) -> dict[str, Any] | None:
    """What the process that answers, or is about to end, has written; None if it is gone."""
    try:
        told = read_json(try_folder(run) / READY_FILE)
        return told if process_alive(told["pid"], told["created"]) else None
    except (RunError, KeyError, TypeError):
        return None


def _is_task_running(run: Run) -> bool:
    task = read_task(run, TRY_TASK)
    return task is not None and task.state == RUNNING


def _wait_while(true: Callable[[], bool], within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while true() and time.monotonic() < deadline:
        time.sleep(POLL_S)


def _why_not(run: Run, within_s: float) -> str:
    state = look(run)
    if state.state == READY:
        return f"The model of {run.id} has not answered within {within_s:.0f} s; ask again."
    return state.reason or f"The model of {run.id} is not loaded ({state.state}); load it first."
