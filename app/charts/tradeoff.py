"""Score against sparsity over many finished runs."""

import altair as alt
import pandas as pd

from app.charts import style
from app.words import AXES, metric_name

HEIGHT = 340
ROOM_FOR_NOTE = 0.12
NEAR = 1.0
"""The baseline is drawn to scale unless it is further below than this many times the range."""


def tradeoff(runs: pd.DataFrame, axis: str) -> alt.LayerChart:
    """A point for each run, and for each method a line through the medians over its seeds.

    Args:
        runs: Finished runs of one task and metric: the columns of a run's row.
        axis: A key of `finegates`' three fractions: ``removed``, ``closed`` or ``target``.
    """
    column, x_title, _ = AXES[axis]
    metric = runs["metric"].iloc[0]
    dense = runs[runs["target_fraction"] == 0]
    baseline = runs["majority_score"].dropna()
    low, high = style.spread(runs["score"].min(), runs["score"].max())
    majority = float(baseline.median()) if len(baseline) else None
    is_near = majority is not None and low - majority < NEAR * (high - low)
    if is_near:
        low, high = min(low, majority - 0.005), max(high, majority + 0.005)
    elif majority is not None:
        low -= ROOM_FOR_NOTE * (high - low)
    y = alt.Y(
        "score:Q",
        axis=alt.Axis(title=metric_name(metric), format=style.SCORE_AXIS),
        scale=alt.Scale(domain=[low, high], nice=False),
    )
    x = alt.X(
        f"{column}:Q",
        axis=style.percent_axis(x_title, tickCount=8),
        scale=alt.Scale(domain=[0, max(0.1, float(runs[column].max()) * 1.08)], nice=True),
    )
    layers = _lines(runs, column, x, y) + _points(runs, x, y)
    if majority is not None:
        name = f"majority baseline {majority:.3f}"
        layers += style.rule(majority, name) if is_near else style.rule(low, f"{name}, below", 0)
    if len(dense):
        layers += style.rule(float(dense["score"].median()), "dense (target 0)", side="right")
    return layers.properties(height=HEIGHT)


def _points(runs: pd.DataFrame, x: alt.X, y: alt.Y) -> alt.Chart:
    names = _methods(runs)
    return (
        alt.Chart(runs)
        .mark_point(filled=True, size=95, opacity=0.9)
        .encode(
            x=x,
            y=y,
            color=_color(names),
            shape=alt.Shape(
                "method:N",
                scale=style.fixed(style.METHOD_SHAPES, names),
                legend=alt.Legend(title=None, orient="bottom", symbolOpacity=1),
            ),
            tooltip=[
                alt.Tooltip("run:N", title="Run"),
                alt.Tooltip("method:N", title="Recipe"),
                alt.Tooltip("model:N", title="Model"),
                alt.Tooltip("seed:Q", title="Seed"),
                alt.Tooltip("score:Q", title="Score", format=style.SCORE),
                alt.Tooltip("target_fraction:Q", title="Target", format=".0%"),
                alt.Tooltip("closed_gates_fraction:Q", title="Gates closed", format=".1%"),
                alt.Tooltip("removed_weights_fraction:Q", title="Weights removed", format=".1%"),
            ],
        )
    )


def _lines(runs: pd.DataFrame, column: str, x: alt.X, y: alt.Y) -> alt.Chart:
    keys = ["method", "model", "target_fraction"]
    medians = runs.groupby(keys, as_index=False)[list({column, "score"})].median()
    if column not in medians:
        medians[column] = medians["target_fraction"]
    encoding = {"x": x, "y": y, "color": _color(_methods(runs)), "detail": "model:N"}
    if runs["model"].nunique() > 1:
        encoding["strokeDash"] = alt.StrokeDash("model:N", legend=alt.Legend(title="Model"))
    return alt.Chart(medians).mark_line(strokeWidth=1.8, opacity=0.55).encode(**encoding)


def _methods(runs: pd.DataFrame) -> list[str]:
    present = set(runs["method"])
    return [m for m in style.METHOD_COLORS if m in present] + sorted(
        present - set(style.METHOD_COLORS)
    )


def _color(names: list[str]) -> alt.Color:
    scale = style.fixed(style.METHOD_COLORS, names)
    return alt.Color(
        "method:N", scale=scale, legend=alt.Legend(title=None, orient="bottom", symbolOpacity=1)
    )
