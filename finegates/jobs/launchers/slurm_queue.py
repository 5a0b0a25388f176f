"""Watches the runs on Slurm: one ``squeue`` for all of them, at most every 15 seconds.

The answer is kept in the runs folder, so that all pages and commands together ask no more often. A
run whose folder still says that it waits or trains, and whose job is gone, is ended with Slurm's
reason. No answer from the controller means nothing: no run is ended because of it.
"""

import contextlib
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from finegates.errors import RunError
from finegates.files.read_only import read_only
from finegates.files.storage import read_json, write_json
from finegates.jobs.launchers.slurm_client import Job, last_word, my_jobs
from finegates.jobs.launchers.slurm_worker import PREEMPTED, TIMED_OUT
from finegates.jobs.worker import WORKER_LOCK
from finegates.runs.folder import Run, list_runs
from finegates.runs.launch import Launch, is_local, read_launch, write_launch
from finegates.runs.status import ACTIVE_STATES, Status, write_status, written_status
from finegates.runs.stop_request import read_stop

QUEUE_FILE = ".slurm.json"
QUEUE_LOCK = ".slurm.lock"
ASK_EVERY_S = 15.0
GONE_S = 10.0
"""A job has to be missing for this long: what it wrote last may not be visible here yet."""

NEVER_SUBMITTED_S = 120.0
_STATES = {"TIMEOUT": TIMED_OUT, "PREEMPTED": PREEMPTED}


@dataclass(frozen=True)
class Queue:
    """Slurm's last answer.

    Attributes:
        asked: When it was asked, in seconds since the epoch.
        jobs: The jobs in it.
        gone: Run id -> since when its job has been missing.
    """

    asked: float = 0.0
    jobs: tuple[Job, ...] = ()
    gone: Mapping[str, float] = field(default_factory=dict)

    def job_of(self, run: Run, launch: Launch) -> Job | None:
        """The job of a run, by its number; by its name if the number could not be kept."""
        if launch.job_id:
            return next((job for job in self.jobs if job.job_id == launch.job_id), None)
        return next((job for job in self.jobs if job.name == run.id), None)


def kept_job(run: Run, launch: Launch) -> Job | None:
    """The job of a run in Slurm's last answer."""
    return _read(run.path.parent).job_of(run, launch)


def look_after(runs_dir: Path) -> None:
    """Asks for the jobs of this folder's runs and ends runs whose job is gone.

    Does nothing in read-only mode, without Slurm, or soon after the last time: every open page
    calls it.
    """
    if read_only() or shutil.which("squeue") is None:
        return
    if not (waiting := _active(list_runs(runs_dir))):
        return
    with contextlib.suppress(Timeout), FileLock(runs_dir / QUEUE_LOCK, timeout=0):
        kept = _read(runs_dir)
        if abs(time.time() - kept.asked) < ASK_EVERY_S:
            return
        jobs = my_jobs()
        if jobs is None:
            _write(runs_dir, replace(kept, asked=time.time()))
        else:
            queue = Queue(time.time(), tuple(jobs))
            _write(runs_dir, replace(queue, gone=_settle(waiting, queue, kept.gone)))


def _active(runs: Iterable[Run]) -> dict[Run, Launch]:
    """Runs on Slurm that wait or train, according to their folders."""
    found = {}
    for run in runs:
        with contextlib.suppress(RunError):
            if not is_local(run.path) and written_status(run.path).state in ACTIVE_STATES:
                found[run] = read_launch(run.path)
    return found


def _settle(
    waiting: Mapping[Run, Launch], queue: Queue, gone_before: Mapping[str, float]
) -> dict[str, float]:
    """Ends runs whose job has been missing for long enough; returns those newly missing."""
    gone: dict[str, float] = {}
    for run, launch in waiting.items():
        if job := queue.job_of(run, launch):
            if not launch.job_id:
                write_launch(run.path, replace(launch, job_id=job.job_id))
            continue
        since = gone_before.get(run.id, queue.asked)
        patience = GONE_S if launch.job_id else NEVER_SUBMITTED_S
        if queue.asked - max(since, launch.submitted) < patience:
            gone[run.id] = since
        else:
            settle_gone(run, launch)
    return gone


def settle_gone(run: Run, launch: Launch) -> None:
    """Ends a run whose job is gone, unless a worker is running it all the same."""
    word, why = last_word(launch.job_id) if launch.job_id else ("", "")
    with contextlib.suppress(Timeout), FileLock(run.path / WORKER_LOCK, timeout=0):
        status = written_status(run.path)
        if read_launch(run.path).job_id == launch.job_id and status.state in ACTIVE_STATES:
            write_status(run.path, _ended(run, status, launch, word, why))


def _ended(run: Run, status: Status, launch: Launch, word: str, why: str) -> Status:
    asked = read_stop(run.path)
    if asked and asked.by_user:
        state, reason = asked.state, asked.killed_reason
    elif not launch.job_id:
        state = "failed"
        reason = "It was never handed to Slurm: the process that submitted it ended. Resume it."
    else:
        state = _STATES.get(word, "failed")
        # A cancelled job's reason says why it had waited.
        tells = why not in ("", "None") and word != "CANCELLED"
        because = f" ({why})" if tells else ""
        said = f"is {word}{because}" if word else "is known to it no more"
        reason = f"The job is gone from Slurm's queue: job {launch.job_id} {said}."
    reason = f"{reason} Last step: {status.step}."
    return replace(status, state=state, reason=reason, ended=time.time(), time_left_s=None)


def _read(runs_dir: Path) -> Queue:
    try:
        content: dict[str, Any] = read_json(runs_dir / QUEUE_FILE)
        jobs = tuple(Job(**job) for job in content["jobs"])
        return Queue(float(content["asked"]), jobs, dict(content["gone"]))
    except (RunError, KeyError, TypeError, ValueError):
        return Queue()


def _write(runs_dir: Path, queue: Queue) -> None:
    write_json(runs_dir / QUEUE_FILE, asdict(queue))
