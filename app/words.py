"""States as people read them, and what pages call things; numbers and terms of the library."""

from dataclasses import dataclass
from typing import Literal

from finegates.reports.words import (
    KIND_NAMES,
    NOTHING,
    ROLE_NAMES,
    SIDE_NAMES,
    TERMS,
    baseline,
    count,
    duration,
    layer_name,
    learned_nothing,
    metric_name,
    per_second,
    percent,
    score,
    size,
    title,
)
from finegates.runs.folder import BROKEN

__all__ = [
    "CURVE_ONLY_MEANS",
    "KIND_NAMES",
    "NOTHING",
    "NOT_STARTED",
    "ROLE_NAMES",
    "SIDE_NAMES",
    "STATES",
    "TERMS",
    "StateLook",
    "baseline",
    "count",
    "duration",
    "layer_name",
    "learned_nothing",
    "metric_name",
    "no_gates",
    "per_second",
    "percent",
    "score",
    "size",
    "title",
]  # fmt: skip


Color = Literal["gray", "blue", "orange", "green", "red"]


@dataclass(frozen=True)
class StateLook:
    """How a state is shown: a Material icon, a colour name of Streamlit's, and what it means."""

    icon: str
    color: Color
    meaning: str
    name: str = ""


STATES = {
    "queued": StateLook("hourglass_empty", "gray", "waits for its device to be free"),
    "starting": StateLook("rocket_launch", "blue", "loads model and data"),
    "running": StateLook("play_circle", "blue", "trains"),
    "paused": StateLook("pause_circle", "orange", "waits until you continue it"),
    "stopping": StateLook("stop_circle", "orange", "finishes its step and saves"),
    "finished": StateLook("check_circle", "green", "trained to the end"),
    "stopped": StateLook("stop_circle", "gray", "was stopped and can be resumed"),
    "failed": StateLook("error", "red", "ended before its time"),
    "lost": StateLook("help", "red", "gives no sign of life"),
    "timed out": StateLook("timer_off", "orange", "ran out of time on Slurm and can be resumed"),
    "preempted": StateLook("block", "orange", "had to make room on Slurm and can be resumed"),
    BROKEN: StateLook("broken_image", "red", "the run folder can't be read"),
}

NOT_STARTED = StateLook(
    "radio_button_unchecked", "gray", "asked for, but its run was not made yet, or was deleted",
    "not started",
)  # fmt: skip
"""A run that a group asks for and does not have."""


CURVE_ONLY_MEANS = (
    "Its folder has its settings, scores and curve, but not its gates and weights: it can be "
    "compared, and not be looked into or pruned. To have them, duplicate it and train it again."
)


def no_gates(method: str) -> str:
    """Why there is nothing to see of a dense run's gates."""
    return f"**{method}** is a dense baseline: it has no gates and removes nothing."
