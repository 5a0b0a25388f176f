"""Short work on a finished run: scoring, timing, exporting, each in a process of its own.

A task is one of our own commands that prints JSON as its last line. It has a name, and a run has at
most one task of a name at a time; its files are in the run's folder ``tasks``. Loads no torch.
"""

import contextlib
import json
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock

from finegates.errors import RunError
from finegates.files.links import check_no_links
from finegates.files.progress import Progress, ProgressFile, read_progress, silent
from finegates.files.read_only import check_may_change
from finegates.files.storage import read_json, read_tail, write_json
from finegates.machine.processes import start_process
from finegates.runs.folder import Run
from finegates.runs.status import process_alive

TASKS_FOLDER = "tasks"
PROGRESS_VARIABLE = "FINEGATES_PROGRESS_FILE"
"""Names the file in which a command says how far it is."""
RUNNING, DONE, FAILED = "running", "done", "failed"
_ERROR = "error: "
_LOG_BYTES = 20_000
_START_LOCK = ".start.lock"


@dataclass(frozen=True)
class Task:
    """Where a task stands.

    Attributes:
        name: Its name.
        state: ``running``, ``done`` or ``failed``.
        arguments: The command and its words.
        started: When, in seconds since 1970.
        result: What it printed as JSON; None unless it is done.
        reason: Why it failed; empty if it did not.
        log: The end of its log.
        fraction: How much of it is done, in [0, 1]; None unless it is running and says so.
        doing: What it is doing; empty if it does not say.
        seconds_left: About how long it still takes; None until that can be said.
    """

    name: str
    state: str
    arguments: tuple[str, ...]
    started: float
    result: dict[str, Any] | None
    reason: str
    log: str
    fraction: float | None = None
    doing: str = ""
    seconds_left: float | None = None


def start_task(run: Run, name: str, arguments: Sequence[str]) -> bool:
    """Starts one of our commands on a run, in the background.

    Args:
        run: The run.
        name: Letters; an earlier task of this name is forgotten.
        arguments: The command and its words, such as ``["bench", run.id, ...]``.

    Returns:
        Whether it was started: the very same task that is running already is left to it.

    Raises:
        RunError: If another task of this name is running.
    """
    check_may_change("start anything on a run")
    check_no_links(run.path)
    folder = run.path / TASKS_FOLDER
    folder.mkdir(exist_ok=True)
    with FileLock(folder / _START_LOCK):  # two pages, or two clicks
        if (known := read_task(run, name)) and known.state == RUNNING:
            if known.arguments == tuple(arguments):
                return False
            raise RunError(f"{run.id} has a task '{name}' at work; wait for it, or stop it.")
        for ending in ("json", "progress"):
            _file(run, name, ending).unlink(missing_ok=True)
        started = time.time()
        progress = {PROGRESS_VARIABLE: str(_file(run, name, "progress"))}
        with open(_file(run, name, "out"), "wb") as out, open(_file(run, name, "log"), "wb") as log:
            process = start_process(arguments, log, progress, output=out)
        created = psutil.Process(process.pid).create_time()
        told = {"pid": process.pid, "created": created, "started": started}
        write_json(_file(run, name, "json"), {**told, "arguments": list(arguments)})
    return True


def reported() -> Progress:
    """What a command reports its progress to: the file of the task that it is, or nobody."""
    path = os.environ.get(PROGRESS_VARIABLE)
    return ProgressFile(Path(path)) if path else silent


def read_task(run: Run, name: str) -> Task | None:
    """Where the last task of this name stands; None if there was none."""
    try:
        known = read_json(_file(run, name, "json"))
        pid = int(known["pid"])
        created, started = float(known["created"]), float(known["started"])
        arguments = tuple(map(str, known["arguments"]))
    except (RunError, KeyError, TypeError, ValueError, OverflowError):
        return None
    log = read_tail(_file(run, name, "log"), _LOG_BYTES)
    if process_alive(pid, created):
        running = Task(name, RUNNING, arguments, started, None, "", log)
        if (told := read_progress(_file(run, name, "progress"))) is None:
            return running
        return replace(
            running, fraction=told.fraction, doing=told.what, seconds_left=told.seconds_left
        )
    result = _last_json(_file(run, name, "out"))
    if result is not None:
        return Task(name, DONE, arguments, started, result, "", log)
    return Task(name, FAILED, arguments, started, None, _why(log), log)


def stop_task(run: Run, name: str) -> None:
    """Ends a running task and whatever it started; what it has kept so far stays."""
    check_may_change("stop what works on a run")
    known = read_json(_file(run, name, "json"))
    if (task := read_task(run, name)) and task.state == RUNNING:
        with contextlib.suppress(ProcessLookupError):  # it may end at this moment
            os.killpg(int(known["pid"]), signal.SIGTERM)


def forget_task(run: Run, name: str) -> None:
    """Forgets a task; one that is running continues, but is no longer listed."""
    _file(run, name, "json").unlink(missing_ok=True)


def _file(run: Run, name: str, ending: str) -> Path:
    return run.path / TASKS_FOLDER / f"{name}.{ending}"


def _last_json(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_bytes().splitlines()[-1])
    except (OSError, ValueError, IndexError):
        return None
    return found if isinstance(found, dict) else None


def _why(log: str) -> str:
    lines = [line for line in log.splitlines() if line.strip()]
    told = next((line for line in reversed(lines) if line.startswith(_ERROR)), None)
    if told:
        return told.removeprefix(_ERROR)
    return f"It ended without a result: {lines[-1]}" if lines else "It ended without a word."
