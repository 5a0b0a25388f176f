"""What every launcher can do. The run's folder is the only channel to its worker."""

import time
from dataclasses import dataclass
from typing import Protocol

from finegates.runs.folder import Run
from finegates.runs.launch import Launch
from finegates.runs.status import Status
from finegates.spec import RunSpec

POLL_S = 0.25
LOG_BYTES = 8000


@dataclass(frozen=True)
class JobInfo:
    """What a launcher knows of a run.

    Attributes:
        launcher: Its name.
        job_id: Slurm's number of the job; empty on this machine, or before it is known.
        node: Where the run is or was; empty before it starts.
        word: The launcher's own word for where the job stands, such as ``PENDING``; may be empty.
        reason: Why it waits or ended, in the launcher's own words; may be empty.
    """

    launcher: str
    job_id: str = ""
    node: str = ""
    word: str = ""
    reason: str = ""


class Launcher(Protocol):
    """Starts runs and ends them. What a run does is read from its folder, whoever started it."""

    def check(self, spec: RunSpec, launch: Launch) -> None:
        """Raises SpecError if a run that wants these devices can't be started in this way."""

    def submit(self, run: Run) -> None:
        """Has a queued run started.

        Raises:
            RunError: If that fails; nothing is left behind that would start it.
        """

    def status(self, run: Run) -> JobInfo:
        """What is known of the run here, without any request: pages call it at each refresh."""

    def tail(self, run: Run, num_bytes: int = LOG_BYTES) -> str:
        """The end of what the run's worker printed, or what kept it from beginning."""

    def stop(self, run: Run, grace_s: float) -> Status:
        """Waits for a run that was asked to stop, and ends it by force if it does not react.

        Args:
            run: A run with a stop request in its folder.
            grace_s: Seconds to save and end on its own.
        """

    def withdraw(self, run: Run) -> None:
        """Withdraws a run that was stopped while it waited."""

    def kill(self, run: Run) -> None:
        """Ends the worker at once, without saving."""


def wait_until_over(run: Run, seconds: float) -> bool:
    """Whether a run is over, or is so within this time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if run.status().is_over:
            return True
        time.sleep(POLL_S)
    return run.status().is_over
