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
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from finegates.errors import FineGatesError, RunError
from finegates.files.storage import read_json, write_json
from finegates.runs.folder import Run
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
        from finegates.trying.models import DenseAndPruned  # torch loads here

        answer = DenseAndPruned(run).answer
        try:
            write_json(folder / READY_FILE, _myself())
            return _answer_until_idle(folder, answer, idle_s)
        finally:  # a process that holds torch takes a second or two from here to its end
            if folder.is_dir():
                write_json(folder / READY_FILE, {**_myself(), "ending": True})


def _answer_until_idle(folder: Path, answer: Callable[[Question], Reply], idle_s: float) -> int:
    count, last = 0, time.monotonic()
    while folder.is_dir() and time.monotonic() - last < idle_s:
        if not (waiting := sorted(folder.glob(f"*{QUESTION}"), key=_changed)):
            time.sleep(POLL_S)
            continue
        for path in waiting:
            _answer_one(path, answer)
            count += 1
        _forget_old_answers(folder)
        last = time.monotonic()
    return count


def _answer_one(path: Path, answer: Callable[[Question], Reply]) -> None:
    told: dict[str, Any]
    try:
        question = Question.from_dict(read_json(path))
        told = asdict(answer(question))
    except FineGatesError as error:
        told = {"error": str(error)}
    except Exception as error:  # a bug of ours must not end the process for other questions
        traceback.print_exc(file=sys.stderr)
        told = {"error": f"Unexpected error, see the log: {type(error).__name__}."}
    path.unlink(missing_ok=True)
    if path.parent.is_dir():
        write_json(path.with_name(path.name.removesuffix(QUESTION) + ANSWER), told)


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
