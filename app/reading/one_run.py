"""One run: where it stands, what it was asked for, what it printed."""

import time
from collections.abc import Iterable
from typing import Any

from finegates.jobs import control as jobs
from finegates.jobs.control import JobInfo
from finegates.jobs.tasks import Task, read_task
from finegates.runs.folder import TRAINED_FOLDER, Run
from finegates.runs.launch import Launch, read_launch
from finegates.runs.status import STOP_FILE, Status


def row_of(run: Run) -> dict[str, Any]:
    """The run in one line, as it is now; of a broken one its state and the reason."""
    return run.row()


def status_of(run: Run) -> Status:
    """Where the run stands now.

    Raises:
        RunError: If its status can't be read.
    """
    return run.status()


def facts_of(run: Run) -> dict[str, Any]:
    """What the run's folder says of its making: ``settings``, ``data`` and ``versions``.

    Raises:
        RunError: If its ``spec.json`` is missing or damaged.
    """
    data, versions = (run.record[key] for key in ("data", "versions"))
    return {"settings": run.spec.to_dict(), "data": data, "versions": versions}


def launch_of(run: Run) -> Launch:
    """Whoever starts the run: this machine, or Slurm.

    Raises:
        RunError: If its file is damaged.
    """
    return read_launch(run.path)


def job_of(run: Run) -> JobInfo | None:
    """The run's job in Slurm; None for a run of this machine."""
    return jobs.job_info(run)


def log_tail(run: Run, num_bytes: int) -> str:
    """The end of what the worker printed, at most this many bytes of it."""
    return jobs.job_tail(run, num_bytes)


def tasks_of(run: Run, names: Iterable[str]) -> list[Task]:
    """What was started on the run's model by these names, and how far it is."""
    return [task for name in names if (task := read_task(run, name))]


def has_weights(run: Run) -> bool:
    """Whether the folder carries the trained weights."""
    return (run.path / TRAINED_FOLDER).is_dir()


def stopping_for_s(run: Run) -> float:
    """Seconds since the run was asked to stop; 0 if it was not."""
    try:
        return time.time() - (run.path / STOP_FILE).stat().st_mtime
    except OSError:
        return 0.0
