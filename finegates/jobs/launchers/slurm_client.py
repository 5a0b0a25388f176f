"""The few Slurm commands that are used, each called once and with a time limit.

``sacct`` is called only where the controller has forgotten a job; many clusters have none.
"""

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from finegates.errors import RunError

ANSWER_S = 20.0
"""A busy controller may take a while; one that takes longer counts as unreachable."""

_FORMAT = "%i|%T|%N|%r|%j"
_DURATION = re.compile(r"(?:(\d+)-)?(\d+):(\d+):(\d+)")


@dataclass(frozen=True)
class Job:
    """A job in Slurm's queue.

    Attributes:
        job_id: Its number.
        word: Its state, such as ``PENDING`` or ``RUNNING``.
        node: Its node; empty while it waits.
        reason: Why it waits, such as ``Resources``; ``None`` if it does not wait.
        name: The job's name; for a run, the run's id.
    """

    job_id: str
    word: str
    node: str
    reason: str
    name: str


def run_program(name: str, *words: str) -> subprocess.CompletedProcess:
    """Runs one of Slurm's programs and waits.

    Raises:
        OSError: If it is missing.
        subprocess.SubprocessError: If it takes longer than `ANSWER_S`.
    """
    words = (shutil.which(name) or name, *words)
    return subprocess.run(words, capture_output=True, text=True, timeout=ANSWER_S)


def ask(words: Sequence[str]) -> str | None:
    """What a command prints; None if it is missing, fails or is silent for too long."""
    try:
        answer = run_program(*words)
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout if answer.returncode == 0 else None


def my_jobs() -> list[Job] | None:
    """Every job of this user that waits or runs; None if Slurm does not answer."""
    if (answer := ask(["squeue", "--me", "--noheader", f"--format={_FORMAT}"])) is None:
        return None
    rows = [line.strip().split("|", 4) for line in answer.splitlines()]
    return [Job(*row) for row in rows if len(row) == 5]


def details(job_id: str) -> dict[str, str]:
    """What the controller knows of a job, under its own keys; empty if it does not know the job."""
    answer = ask(["scontrol", "--oneliner", "show", "job", job_id]) or ""
    pairs = (word.partition("=") for word in answer.split())
    return {name: value for name, equals, value in pairs if equals}


def last_word(job_id: str) -> tuple[str, str]:
    """State and reason of a job that has left the queue; empty strings if they are unknown."""
    if known := details(job_id):
        return known.get("JobState", ""), known.get("Reason", "")
    if shutil.which("sacct") is None:
        return "", ""
    answer = ask(["sacct", "-X", "--noheader", "--parsable2", "-o", "State", "-j", job_id]) or ""
    return answer.strip().partition(" ")[0].partition("\n")[0], ""  # "CANCELLED by 1000"


def cancel(job_id: str) -> None:
    """Ends a job, or takes it out of the queue; a job that is gone already is not an error.

    Raises:
        RunError: If Slurm does not answer.
    """
    try:
        answer = run_program("scancel", job_id)
    except (OSError, subprocess.SubprocessError) as error:
        raise RunError(f"Slurm's scancel of job {job_id} failed: {error}.") from error
    if answer.returncode and "nvalid job id" not in answer.stderr:
        raise RunError(
            f"Slurm's scancel of job {job_id} failed: {answer.stderr.strip()}. Try again when "
            "`sinfo` answers."
        )


def seconds_of(duration: str) -> float | None:
    """Seconds of ``[days-]hours:minutes:seconds`` as Slurm writes it; None for any other word."""
    if (parts := _DURATION.fullmatch(duration)) is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in parts.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
