"""What a Slurm job does: starts the run's worker on its node, waits, and handles Slurm's signals.

SIGUSR2 comes before the time limit and, on many clusters, before a preemption (submitit then calls
`RunJob.checkpoint`); SIGTERM comes with a cancellation or a preemption. The worker receives
neither: it is asked through its run folder, as on any machine, and records itself how it ended.
"""

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from finegates.jobs.launchers.slurm_client import details, seconds_of
from finegates.jobs.launchers.slurm_worker import (
    PREEMPTED,
    TIMED_OUT,
    conclude,
    end_as,
    make_ready,
    start_worker,
    worker_lock,
)
from finegates.runs.folder import Run
from finegates.runs.status import process_alive, write_status, written_status
from finegates.runs.stop_request import STOP_FILE, StopRequest, ask_to_end, read_stop

POLL_S = 0.5
LEFT_TO_REQUEUE_S = 8.0
EARLY_S = 60.0
"""Slurm sends the warning up to this much earlier than asked for."""

_LONGEST_SAVE_S, _SHORTEST_SAVE_S = 120, 20


def save_s(time_min: int) -> int:
    """Seconds before the time limit at which a job is warned: a quarter of it, 20 to 120."""
    return min(_LONGEST_SAVE_S, max(_SHORTEST_SAVE_S, time_min * 15))


@dataclass
class RunJob:
    """Carries out a run as a Slurm job. Pickled by submitit, so it holds plain values.

    Attributes:
        folder: The run's folder.
        requeues_left: How often it may still run out of time and be continued.
        warned_s: Seconds between Slurm's warning and the time limit.
    """

    folder: str
    requeues_left: int
    warned_s: int

    def __post_init__(self) -> None:
        self._worker: tuple[int, float] | None = None
        self._leaving = ""

    @property
    def _run(self) -> Run:
        return Run(Path(self.folder))

    def __call__(self) -> str:
        """Trains the run and returns its last state."""
        signal.signal(signal.SIGTERM, self._hear_sigterm)
        make_ready(self._run)
        process = start_worker(self._run)
        self._worker = process.pid, psutil.Process(process.pid).create_time()
        try:
            while process.poll() is None:
                time.sleep(POLL_S)
        except (OSError, subprocess.SubprocessError) as error:  # of ``scontrol requeue``
            self._not_requeued(error)
            raise
        return conclude(self._run, process)

    def checkpoint(self) -> Any:
        """Lets the worker save; returns what the requeued job is to do, or None for nothing."""
        from submitit.core.utils import DelayedSubmission

        self._leaving = why(details(_job_id()), self.warned_s) or PREEMPTED
        left = self.requeues_left - (self._leaving == TIMED_OUT)
        asked = self._request(left)
        if (before := read_stop(self._run.path)) and not before.by_user:  # SIGTERM came first
            (self._run.path / STOP_FILE).unlink()
        self._let_save(asked)
        if not (end_as(self._run, asked) and asked.state == "queued"):
            return None
        return DelayedSubmission(RunJob(self.folder, left, self.warned_s))

    def _request(self, left: int) -> StopRequest:
        word = f"{self._leaving[0].upper()}{self._leaving[1:]}"
        if left < 0:
            reason = f"{word} with no requeue left; resume it, with a longer time limit if need be."
            return StopRequest(self._leaving, reason)
        times = "once" if left == 1 else f"{left} times"
        more = f", and may run out of time {times} more" if self._leaving == TIMED_OUT else ""
        return StopRequest("queued", f"{word}; saved and requeued{more}.")

    def _let_save(self, asked: StopRequest) -> None:
        """Asks the worker to end; kills it when there is barely time left to requeue."""
        ask_to_end(self._run.path, asked)
        if self._worker is None:
            return
        deadline = time.monotonic() + max(POLL_S, self.warned_s - LEFT_TO_REQUEUE_S)
        while process_alive(*self._worker) and time.monotonic() < deadline:
            time.sleep(POLL_S / 5)
        if process_alive(*self._worker):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._worker[0], signal.SIGKILL)
            time.sleep(POLL_S)

    def _hear_sigterm(self, number: int, frame: object) -> None:
        """Asks the worker to end in the state that Slurm's reason calls for."""
        if self._leaving:
            return
        self._leaving = why(details(_job_id()), self.warned_s) or "cancelled"
        asked = StopRequest("stopped", f"Slurm job {_job_id()} was cancelled.")
        if self._leaving == PREEMPTED:
            asked = StopRequest("queued", "Preempted; waits for Slurm to requeue it.")
        elif self._leaving == TIMED_OUT:
            asked = StopRequest(TIMED_OUT, "Timed out before it could be requeued; resume it.")
        ask_to_end(self._run.path, asked)

    def _not_requeued(self, error: Exception) -> None:
        """Ends the run, unless Slurm was so quick that it ended ``scontrol`` with the old job."""
        if isinstance(error, subprocess.CalledProcessError) and error.returncode < 0:
            return
        with worker_lock(self._run):
            status = written_status(self._run.path)
            if status.state == "queued":
                reason = f"{status.reason} But Slurm would not requeue it: {error}. Resume it."
                ended = replace(status, state=self._leaving, reason=reason, ended=time.time())
                write_status(self._run.path, ended)


def why(known: dict[str, str], warned_s: float) -> str:
    """Why Slurm sends a job a signal, from `slurm_client.details`; empty if it does not say."""
    if known.get("PreemptTime", "None") != "None":
        return PREEMPTED
    ran, limit = (seconds_of(known.get(name, "")) for name in ("RunTime", "TimeLimit"))
    near = ran is not None and limit is not None and ran + warned_s + EARLY_S >= limit
    return TIMED_OUT if near or known.get("JobState") == "TIMEOUT" else ""


def _job_id() -> str:
    return os.environ.get("SLURM_JOB_ID", "")
