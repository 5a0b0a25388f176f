"""States as people read them, and what pages call things; numbers and terms of the library."""

from dataclasses import dataclass

from finegates.reports.words import (
    NOTHING,
    ROLE_NAMES,
    TERMS,
    count,
    duration,
    metric_name,
    per_second,
    percent,
    score,
    size,
    title,
)
from finegates.runs.folder import BROKEN

__all__ = [
    "NOTHING", "NOT_STARTED", "ROLE_NAMES", "STATES", "TERMS", "Look",
    "count", "duration", "metric_name", "no_gates", "per_second", "percent", "score", "size",
    "title",
]  # fmt: skip


@dataclass(frozen=True)
class Look:
    """How a state is shown: a Material icon, a colour name of Streamlit's, and what it means."""

    icon: str
    color: str
    meaning: str
    name: str = ""


STATES = {
    "queued": Look("hourglass_empty", "gray", "waits for its device to be free"),
    "starting": Look("rocket_launch", "blue", "loads model and data"),
    "running": Look("play_circle", "blue", "trains"),
    "paused": Look("pause_circle", "orange", "waits until you continue it"),
    "stopping": Look("stop_circle", "orange", "finishes its step and saves"),
    "finished": Look("check_circle", "green", "trained to the end"),
    "stopped": Look("stop_circle", "gray", "was stopped and can be resumed"),
    "failed": Look("error", "red", "ended before its time"),
    "lost": Look("help", "red", "gives no sign of life"),
    "timed out": Look("timer_off", "orange", "ran out of time on Slurm and can be resumed"),
    "preempted": Look("block", "orange", "had to make room on Slurm and can be resumed"),
    BROKEN: Look("broken_image", "red", "the run folder can't be read"),
}

NOT_STARTED = Look(
    "radio_button_unchecked", "gray", "asked for, but its run was not made yet, or was deleted",
    "not started",
)  # fmt: skip
"""A run that a group asks for and does not have."""


def no_gates(method: str) -> str:
    """Why there is nothing to see of a dense run's gates."""
    return f"**{method}** is a dense baseline: it has no gates and removes nothing."
