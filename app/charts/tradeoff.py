"""Score against sparsity: a point for each run, a line through the medians of each method."""

import math

import altair as alt
import pandas as pd

from app.charts import style
from app.charts.baselines import dense_lines, label_gap, room_for_names
from app.charts.reference import front_line, quoted_points
from app.charts.series import Encodings, looks_of
from app.charts.tradeoff_layers import (
    curve_ends,
    growing_points,
    median_lines,
    partial_points,
    run_points,
    whiskers,
)
from app.words import metric_name
from finegates.data.metric_kinds import baseline_name, is_lower_better, score_text

HEIGHT, PANEL_HEIGHT, SMALL_HEIGHT = 460, 430, 320
WIDTH, PANEL_WIDTH = 660, 300
"""Pixels for the legend: a window of 800, with one chart in a row and with two."""
ROOM_FOR_NOTE = 0.12
NEAR = 1.0
"""The baseline is drawn to scale unless it is further below than this many times the range."""
LEAST_X = 0.1
BEYOND = 1.08
"""The x axis ends this much behind its last point."""
PADDING = {"left": 5, "top": 8, "bottom": 5}


def tradeoff(
    lines: pd.DataFrame,
    runs: pd.DataFrame,
    baselines: pd.DataFrame,
    *,
    axis: str,
    x_title: str,
    metric: str,
    majority: float | None = None,
    front: pd.DataFrame | None = None,
    quoted: pd.DataFrame | None = None,
    growing: pd.DataFrame | None = None,
    partial: pd.DataFrame | None = None,
    height: int = HEIGHT,
    width: int = WIDTH,
) -> alt.LayerChart:
    """The chart of one task, metric and model.

    Args:
        lines: From `app.tradeoff.frames.lines`; what was not trained for its target is dashed.
        runs: From `app.tradeoff.frames.runs`.
        baselines: From `app.tradeoff.frames.baselines`.
        axis: Column of the x axis, a key of `app.charts.axes.AXES`.
        x_title: What the column is, in words.
        metric: Name of the metric.
        majority: What the most common answer scores, or the untrained model.
        front: The rows of ``lines`` on the Pareto front, to be joined and marked.
        quoted: From `app.tradeoff.paper_points.quoted`, another model's.
        growing: From `app.tradeoff.growing.growing`: runs at work.
        partial: From `app.tradeoff.partial.partial_points`: points on a part of the rows.
        height: In pixels, with a legend of one line.
        width: What the legend may take, in pixels.
    """
    lines, runs = lines.dropna(subset=[axis]), runs.dropna(subset=[axis])
    nothing = pd.DataFrame(columns=["score", "low", "high", axis])
    quoted = nothing if quoted is None else quoted
    growing = nothing if growing is None else growing.dropna(subset=[axis])
    partial = nothing if partial is None else partial.dropna(subset=[axis])
    low, high, is_near = _range(metric, lines, runs, baselines, quoted, growing, partial, majority)
    encodings = Encodings(
        looks_of(lines, baselines),
        axis,
        x_axis=style.percent_axis(x_title, tickCount=8),
        x_scale=alt.Scale(domain=_x_range(axis, lines, runs, quoted, growing, partial), nice=False),
        y_axis=alt.Axis(title=metric_name(metric), format=style.SCORE_AXIS),
        y_scale=style.score_scale(metric, low, high),
        width=width,
    )
    gap = label_gap(metric, low, high, height)
    layers: list[alt.Chart | alt.LayerChart] = []
    if majority is not None:
        layers.append(_majority(metric, majority, (low, high), is_near))
    if len(baselines):
        layers += dense_lines(baselines, encodings, gap, metric)
    if front is not None and len(front):
        layers += front_line(front, encodings)
    if len(quoted):
        layers += quoted_points(quoted, encodings)
    if len(lines):
        layers += whiskers(lines, encodings) + median_lines(lines, encodings)
        layers += curve_ends(lines, encodings, gap, metric)
    if len(partial):
        layers += partial_points(partial, encodings)
    if len(runs):
        layers.append(run_points(runs, encodings))
    if len(growing):
        layers += growing_points(growing, encodings)
    padding = {**PADDING, "right": room_for_names(baselines, metric)}
    return style.layered(*layers).properties(
        height=height + encodings.legend_height, padding=padding
    )


def _majority(
    metric: str, score: float, ends: tuple[float, float], is_near: bool
) -> alt.LayerChart:
    """A line, or only its name at the worse end where it would be far beyond."""
    name = f"{baseline_name(metric)} {score_text(score, metric)}"
    if is_near:
        return style.rule(score, name)
    return style.rule(ends[0], f"{name}, {'above' if score > ends[1] else 'below'}", 0)


def _range(
    metric: str,
    lines: pd.DataFrame,
    runs: pd.DataFrame,
    baselines: pd.DataFrame,
    quoted: pd.DataFrame,
    growing: pd.DataFrame,
    partial: pd.DataFrame,
    majority: float | None,
) -> tuple[float, float, bool]:
    """Lowest and highest score on the axis, and whether the majority baseline is within.

    A perplexity's axis ends where its ratios say, and holds the untrained model's if it is near.
    """
    columns = [
        lines["low"], lines["high"], runs["score"], baselines["median"], quoted["score"],
        growing["score"], partial["low"], partial["high"],
    ]  # fmt: skip
    scores = pd.concat([c.astype(float) for c in columns if len(c)] or [pd.Series([0.5])])
    low, high = style.score_range(metric, float(scores.min()), float(scores.max()))
    if majority is None:
        return low, high, False
    if is_lower_better(metric):
        beyond = max(majority / high, low / majority)
        if math.log(max(beyond, 1.0)) < NEAR * math.log(high / low):
            return *style.score_range(metric, min(low, majority), max(high, majority)), True
        return low, high, False
    if low - majority < NEAR * (high - low):
        return min(low, majority - 0.005), max(high, majority + 0.005), True
    return low - ROOM_FOR_NOTE * (high - low), high, False


def _x_range(axis: str, *frames: pd.DataFrame) -> list[float]:
    """From 0, or from below it where something takes longer than before."""
    values = [float(value) for frame in frames for value in frame[axis]]
    return [BEYOND * min([0.0, *values]), max([LEAST_X, *(BEYOND * value for value in values)])]
