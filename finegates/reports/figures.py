"""Figures of a run as plotly.js takes them: plain data, made without plotly.

Numbers are rounded to five digits and long curves thinned by `finegates.reports.envelope`, so that
a report of many runs stays small.
"""

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from finegates.data.metric_kinds import baseline_name, direction_words, is_lower_better
from finegates.reports.envelope import envelope
from finegates.reports.html import Figure
from finegates.reports.palette import BLUE, GRAY, ORANGE, RED, SKY
from finegates.reports.words import TERMS, metric_name

MOST_POINTS = 300
"""Of a curve."""
_SMOOTHING = 0.9
_PERCENT = ".0%"

SPARSITY_LINES = (
    ("target so far", "current_target", GRAY, "dot"),
    ("expected removed", "expected_removed", SKY, "dash"),
    ("weights removed", "removed_weights_fraction", BLUE, "solid"),
    ("gates closed", "closed_gates_fraction", ORANGE, "solid"),
)


def numbers(values: Iterable[Any]) -> list[float | None]:
    """Five digits of each; None where there is no finite number, as JSON has no other."""
    floats = [math.nan if value is None else float(value) for value in values]
    return [float(f"{value:.5g}") if math.isfinite(value) else None for value in floats]


def label(text: Any) -> str:
    """A text for a figure, where plotly.js would read some tags."""
    return html.escape(str(text), quote=False)


def line(
    name: str, x: Iterable[Any], y: Iterable[Any], color: str, dash: str = "solid", **more: Any
) -> dict[str, Any]:
    """A line through points."""
    return {
        "type": "scatter", "mode": "lines", "name": label(name), "x": numbers(x),
        "y": numbers(y), "line": {"color": color, "dash": dash, "width": 2}, **more,
    }  # fmt: skip


def axis(title: str, percent: bool = False, **more: Any) -> dict[str, Any]:
    """An axis; of fractions, in percent."""
    return {
        "title": {"text": label(title)},
        **({"tickformat": _PERCENT} if percent else {}),
        **more,
    }


def loss(train: pd.DataFrame) -> Figure:
    """The task's loss, each log and smoothed. Columns ``step`` and ``task_loss``."""
    raw = envelope(train, "task_loss", MOST_POINTS)
    smooth = train.assign(task_loss=train["task_loss"].ewm(alpha=1 - _SMOOTHING).mean())
    few = envelope(smooth, "task_loss", MOST_POINTS)
    data = [
        line("each log", raw["step"], raw["task_loss"], BLUE, opacity=0.35),
        line("smoothed", few["step"], few["task_loss"], BLUE),
    ]
    about = "On the task, without the sparsity penalty. Lower is better."
    return figure("Loss", about, data, axis("step"), axis("loss"))


def score_axis(metric: str) -> dict[str, Any]:
    """An axis of scores; of a perplexity on a log scale, whose ratios are what counts."""
    more: dict[str, Any] = {"type": "log"} if is_lower_better(metric) else {}
    return axis(metric_name(metric), **more)


def score(evaluations: pd.DataFrame, metric: str, majority: float | None) -> Figure:
    """The main metric at each evaluation. Columns ``step`` and ``score``."""
    few = envelope(evaluations, "score", MOST_POINTS)
    data = [line(metric_name(metric), few["step"], few["score"], BLUE, mode="lines+markers")]
    if majority is not None and len(few):
        ends = [few["step"].iloc[0], few["step"].iloc[-1]]
        data.append(line(baseline_name(metric), ends, [majority, majority], GRAY, "dash"))
    about = f"On the validation rows. {direction_words(metric)}"
    return figure("Score", about, data, axis("step"), score_axis(metric))


def sparsity(train: pd.DataFrame) -> Figure:
    """What is removed against the target over the steps."""
    few = envelope(train, "removed_weights_fraction", MOST_POINTS)
    data = [
        line(name, few["step"], few[column], color, dash)
        for name, column, color, dash in SPARSITY_LINES
        if column in few
    ]
    about = f"The blue line should follow the dotted target. {TERMS['expected']}"
    y = axis("fraction", percent=True, rangemode="tozero")
    return figure("Removed against target", about, data, axis("step"), y)


def cuts(points: Sequence[Mapping[str, Any]], metric: str) -> Figure:
    """Scores of the finished run at other cuts, over the weights that each removes."""
    data = []
    for asked, name, color in (("remove", "budget", BLUE), ("threshold", "threshold", RED)):
        of_kind = [point for point in points if point.get(asked) is not None]
        of_kind.sort(key=lambda point: point["removed_weights_fraction"])
        if of_kind:
            x = [point["removed_weights_fraction"] for point in of_kind]
            y = [point["score"] for point in of_kind]
            data.append(line(f"cut by {name}", x, y, color, mode="lines+markers"))
    about = "The finished run with its gates cut off elsewhere; nothing is trained again."
    x_axis = axis("weights removed", percent=True)
    return figure("Score at other cuts", about, data, x_axis, score_axis(metric))


def heat_map(
    title: str, about: str, z: Sequence[Sequence[Any]], x: Sequence[Any], y: Sequence[Any],
    x_axis: dict[str, Any], y_axis: dict[str, Any], **more: Any,
) -> Figure:  # fmt: skip
    """A heat map; ``z`` has a row for each of ``y``."""
    trace = {
        "type": "heatmap", "z": [numbers(row) for row in z], "x": list(x), "y": list(y),
        "xgap": 1, "ygap": 1, **more,
    }  # fmt: skip
    bare = {"showgrid": False, "zeroline": False}
    return figure(title, about, [trace], x_axis | bare, y_axis | bare)


def figure(
    title: str, about: str, data: list[dict[str, Any]], x: dict[str, Any], y: dict[str, Any]
) -> Figure:
    """A figure of these traces."""
    layout = {"xaxis": x, "yaxis": y, "showlegend": len(data) > 1}
    return {"title": title, "about": about, "data": data, "layout": layout}
