"""The process behind "Try it": loads a finished run once and answers until no more questions come.

One process for each run; it ends after `IDLE_S` without a question, on SIGTERM, or when the run's
folder is gone.
"""

import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from finegates.errors import FineGatesError, RunError
from finegates.files.storage import read_json, write_json
from finegates.runs.folder import Run
from finegates.trying.continuations import (
    PROMPT_FILE,
    STOP_FILE,
    TAKEN_FILE,
    WRITING_FILE,
    Prompt,
    Writing,
)
from finegates.trying.messages import (
    ANSWER,
    IDLE_S,
    POLL_S,
    QUESTION,
    READY_FILE,
    Question,
    Reply,
    try_folder,
)

LOCK_FILE = ".lock"
Write = Callable[[Prompt, Callable[[Writing], None], Callable[[], bool]], Writing]
_FORGOTTEN_S = 60.0
"""An answer that has not been fetched by then is removed."""


def serve(run: Run, idle_s: float = IDLE_S) -> int:
    """Answers questions on a run's model; returns how many it has answered.

    Args:
        run: A finished run that carries its weights.
        idle_s: Seconds without a question after which it ends.

    Raises:
        RunError: If another process answers for this run, or it can't be loaded.
        ModelError: If it has no gates, or its base model can't be loaded.
    """
    folder = try_folder(run)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(folder / LOCK_FILE, timeout=0).acquire()
    except Timeout:
        raise RunError(f"Another process answers for {run.id} already.") from None
    with lock:
        for left in (*folder.glob(f"*{QUESTION}"), *folder.glob(f"*{ANSWER}")):
            left.unlink(missing_ok=True)
        for name in (TAKEN_FILE, WRITING_FILE):
            (folder / name).unlink(missing_ok=True)
        turn = _turn_of(run, folder)
        try:
            write_json(folder / READY_FILE, _myself())
            return _serve_until_idle(folder, turn, idle_s)
        finally:  # a process that holds torch takes a second or two from here to its end
            (folder / WRITING_FILE).unlink(missing_ok=True)
            if folder.is_dir():
                write_json(folder / READY_FILE, {**_myself(), "ending": True})


def _turn_of(run: Run, folder: Path) -> Callable[[], int]:
    """What answers all that waits and returns how much that was; torch and the model load here."""
    if run.spec.is_language:
        from finegates.trying.writers import DenseAndPrunedWriters

        return partial(_write_waiting, folder, DenseAndPrunedWriters(run).write)
    from finegates.trying.models import DenseAndPruned

    return partial(_answer_waiting, folder, DenseAndPruned(run).answer)


def _serve_until_idle(folder: Path, turn: Callable[[], int], idle_s: float) -> int:
    count, last = 0, time.monotonic()
    while folder.is_dir() and time.monotonic() - last < idle_s:
        if not (done := turn()):
            time.sleep(POLL_S)
            continue
        count += done
        last = time.monotonic()
    return count


def _answer_waiting(folder: Path, answer: Callable[[Question], Reply]) -> int:
    waiting = sorted(folder.glob(f"*{QUESTION}"), key=_changed)
    for path in waiting:
        _answer_one(path, answer)
    if waiting:
        _forget_old_answers(folder)
    return len(waiting)


def _write_waiting(folder: Path, write: Write) -> int:
    """Writes on from the prompt that waits, if one does."""
    asked, taken, stop = (folder / name for name in (PROMPT_FILE, TAKEN_FILE, STOP_FILE))
    if not asked.exists():
        return 0
    stop.unlink(missing_ok=True)  # of what was written before; a later one also takes the prompt
    try:
        asked.replace(taken)
        prompt = Prompt.from_dict(read_json(taken))
        _tell(folder, Writing(prompt))
    except (FileNotFoundError, FineGatesError) as error:  # taken back, or written by a stranger
        print(f"No prompt was read: {error}", file=sys.stderr)
        return 0
    finally:
        taken.unlink(missing_ok=True)
    _tell(folder, _written(prompt, write, partial(_tell, folder), stop.exists))
    return 1


def _written(
    prompt: Prompt, write: Write, tell: Callable[[Writing], None], stopped: Callable[[], bool]
) -> Writing:
    try:
        return write(prompt, tell, stopped)
    except FineGatesError as error:
        return Writing(prompt, done=True, error=str(error))
    except Exception as error:
        return Writing(prompt, done=True, error=_unexpected(error))


def _tell(folder: Path, writing: Writing) -> None:
    if folder.is_dir():
        write_json(folder / WRITING_FILE, writing.to_dict())


def _answer_one(path: Path, answer: Callable[[Question], Reply]) -> None:
    told: dict[str, Any]
    try:
        question = Question.from_dict(read_json(path))
        told = asdict(answer(question))
    except FineGatesError as error:
        told = {"error": str(error)}
    except Exception as error:
        told = {"error": _unexpected(error)}
    path.unlink(missing_ok=True)
    if path.parent.is_dir():
        write_json(path.with_name(path.name.removesuffix(QUESTION) + ANSWER), told)


def _unexpected(error: Exception) -> str:
    """A bug of ours must not end the process for other questions."""
    traceback.print_exc(file=sys.stderr)
    return f"Unexpected error, see the log: {type(error).__name__}."


def _forget_old_answers(folder: Path) -> None:
    for path in folder.glob(f"*{ANSWER}"):
        if time.time() - _changed(path) > _FORGOTTEN_S:
            path.unlink(missing_ok=True)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # fetched or given up at this moment
        return time.time()


def _myself() -> dict[str, Any]:
    return {"pid": os.getpid(), "created": psutil.Process().create_time()}
