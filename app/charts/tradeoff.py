"""Score against sparsity: a point for each run, a line through the medians of each method."""

from typing import Any

import altair as alt
import pandas as pd

from app.charts import style
from app.charts.baselines import apart, dense_lines, label_gap, room_for_names
from app.charts.series import Encodings, looks_of
from app.words import KIND_NAMES, metric_name
from finegates.point import ROUNDED, TRAINED

HEIGHT, SMALL_HEIGHT = 460, 320
ROOM_FOR_NOTE = 0.12
NEAR = 1.0
"""The baseline is drawn to scale unless it is further below than this many times the range."""
LEAST_X = 0.1
PADDING = {"left": 5, "top": 8, "bottom": 5}
DASHES = {TRAINED: [1, 0], ROUNDED: [6, 4]}


def tradeoff(
    lines: pd.DataFrame,
    runs: pd.DataFrame,
    baselines: pd.DataFrame,
    *,
    axis: str,
    x_title: str,
    metric: str,
    majority: float | None = None,
    height: int = HEIGHT,
) -> alt.LayerChart:
    """The chart of one task, metric and model.

    Args:
        lines: From `app.tradeoff_frames.lines`; rounded ones are dashed.
        runs: From `app.tradeoff_frames.runs`.
        baselines: From `app.tradeoff_frames.baselines`.
        axis: Column of the x axis: ``removed``, ``closed`` or ``target``.
        x_title: What the column is, in words.
        metric: Name of the metric.
        majority: What the most common answer scores.
        height: In pixels.
    """
    lines, runs = lines.dropna(subset=[axis]), runs.dropna(subset=[axis])
    low, high, is_near = _range(lines, runs, baselines, majority)
    encodings = Encodings(
        looks_of(lines, baselines),
        axis,
        x_axis=style.percent_axis(x_title, tickCount=8),
        x_scale=alt.Scale(domain=[0, _end(lines, runs, axis)], nice=False),
        y_axis=alt.Axis(title=metric_name(metric), format=style.SCORE_AXIS),
        y_scale=alt.Scale(domain=[low, high], nice=False, zero=False),
    )
    gap = label_gap(high - low, height)
    layers: list[alt.Chart | alt.LayerChart] = []
    if majority is not None:
        layers.append(_majority(majority, low, is_near))
    if len(baselines):
        layers += dense_lines(baselines, encodings, gap)
    if len(lines):
        layers += _whiskers(lines, encodings) + _lines(lines, encodings)
        layers += _curves(lines, encodings, gap)
    if len(runs):
        layers.append(_runs(runs, encodings))
    padding = {**PADDING, "right": room_for_names(baselines)}
    return alt.layer(*layers).properties(height=height, padding=padding)


def _majority(score: float, low: float, is_near: bool) -> alt.LayerChart:
    """A line, or only its name at the bottom where it would be far below."""
    name = f"majority baseline {score:.3f}"
    return style.rule(score, name) if is_near else style.rule(low, f"{name}, below", 0)


def _range(
    lines: pd.DataFrame, runs: pd.DataFrame, baselines: pd.DataFrame, majority: float | None
) -> tuple[float, float, bool]:
    """Lowest and highest score on the axis, and whether the majority baseline is within."""
    columns = [lines["low"], lines["high"], runs["score"], baselines["median"]]
    scores = pd.concat([c.astype(float) for c in columns if len(c)] or [pd.Series([0.5])])
    low, high = style.spread(float(scores.min()), float(scores.max()))
    if majority is None:
        return low, high, False
    if low - majority < NEAR * (high - low):
        return min(low, majority - 0.005), max(high, majority + 0.005), True
    return low - ROOM_FOR_NOTE * (high - low), high, False


def _end(lines: pd.DataFrame, runs: pd.DataFrame, axis: str) -> float:
    values = [*lines[axis], *runs[axis]]
    return max([LEAST_X, *(1.08 * float(value) for value in values)])


def _lines(lines: pd.DataFrame, encodings: Encodings) -> list[alt.Chart]:
    frame = lines.assign(how=lines["kind"].map(KIND_NAMES))
    kinds = [kind for kind in KIND_NAMES if kind in set(lines["kind"])]
    dash = alt.StrokeDash(
        "how:N",
        scale=alt.Scale(domain=[KIND_NAMES[k] for k in kinds], range=[DASHES[k] for k in kinds]),
        legend=alt.Legend(
            title=None, orient="bottom", symbolType="stroke", symbolSize=400, labelLimit=420
        )
        if ROUNDED in kinds
        else None,
    )
    base = alt.Chart(frame).encode(x=encodings.x, y=encodings.y("median"))
    line = base.mark_line(strokeWidth=2, opacity=0.85).encode(
        detail="line:N", order=f"{encodings.axis}:Q", color=encodings.color, strokeDash=dash
    )
    return [line, base.mark_point(size=110, opacity=0).encode(tooltip=_median_tooltip())]


def _whiskers(lines: pd.DataFrame, encodings: Encodings) -> list[alt.Chart]:
    """From the lowest to the highest seed."""
    several = lines[(lines["num_seeds"] > 1) & (lines["kind"] == TRAINED)]
    if several.empty:
        return []
    bars = alt.Chart(several).mark_rule(strokeWidth=5, opacity=0.25)
    return [bars.encode(x=encodings.x, y=encodings.y("low"), y2="high:Q", color=encodings.color)]


def _curves(lines: pd.DataFrame, encodings: Encodings, gap: float) -> list[alt.Chart]:
    """Rounded curves: a ring for each budget, and at the end what had been trained."""
    rounded = lines[lines["kind"] == ROUNDED].sort_values(encodings.axis)
    if rounded.empty:
        return []
    rings = alt.Chart(rounded).mark_point(size=26, filled=False, strokeWidth=1.4, opacity=0.9)
    ends = rounded.groupby("line", as_index=False).last().sort_values("median")
    ends["name"] = [_trained_for(end) for end in ends.itertuples()]
    ends["label_y"] = ends.groupby(ends[encodings.axis].round(2))["median"].transform(
        lambda scores: apart(list(scores), gap)
    )
    names = alt.Chart(ends).mark_text(align="left", dx=7, fontSize=11)
    return [
        rings.encode(x=encodings.x, y=encodings.y("median"), color=encodings.color),
        names.encode(x=encodings.x, y=encodings.y("label_y"), color=encodings.color, text="name:N"),
    ]


def _trained_for(end: Any) -> str:
    """The target of the training; of a dense run, whose it is."""
    return f"from {end.trained_target:.0%}" if end.trained_target else end.series


def _runs(runs: pd.DataFrame, encodings: Encodings) -> alt.Chart:
    points = alt.Chart(runs).mark_point(filled=True, size=85, opacity=0.9)
    return points.encode(
        x=encodings.x,
        y=encodings.y("score"),
        color=encodings.color,
        shape=encodings.shape,
        tooltip=_run_tooltip(),
    )


def _median_tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("series:N", title="Recipe"),
        alt.Tooltip("how:N", title="How"),
        alt.Tooltip("median:Q", title="Median score", format=style.SCORE),
        alt.Tooltip("low:Q", title="Lowest", format=style.SCORE),
        alt.Tooltip("high:Q", title="Highest", format=style.SCORE),
        alt.Tooltip("num_seeds:Q", title="Seeds"),
        alt.Tooltip("missing:N", title="Missing seeds"),
        *_fractions(),
    ]


def _run_tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("run:N", title="Run"),
        alt.Tooltip("series:N", title="Recipe"),
        alt.Tooltip("seed:Q", title="Seed"),
        alt.Tooltip("score:Q", title="Score", format=style.SCORE),
        *_fractions(),
    ]


def _fractions() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("target:Q", title="Target", format=".1%"),
        alt.Tooltip("removed:Q", title="Weights removed", format=".1%"),
        alt.Tooltip("closed:Q", title="Gates closed", format=".1%"),
    ]
