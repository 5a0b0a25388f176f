"""How much score each removal costs, with the tolerance as a band and the answer in front."""

from collections.abc import Callable
from functools import partial

import altair as alt
import pandas as pd

from app.charts.style import BLUE, GRAY, GREEN, ORANGE, layered, percent_axis
from finegates.data.metric_kinds import is_lower_better, loss_unit
from finegates.fitting.fit import Answer
from finegates.fitting.search import Try

HEIGHT = 380
WITHIN, BEYOND, LOST = "within the tolerance", "beyond it", "ended early, far beyond it"
_LEAST_POINTS = 1.5
"""The axis reaches at least this many points to either side of the reference."""


def tried_frame(answer: Answer, max_drop: float) -> pd.DataFrame:
    """A row for each training: columns target, seed, drop, low, high (points), verdict."""
    return pd.DataFrame(
        [
            {
                "target": one.target, "seed": one.seed, "drop": 100 * one.drop,
                "low": 100 * (one.drop - one.doubt), "high": 100 * (one.drop + one.doubt),
                "verdict": _verdict(one, max_drop),
            }
            for one in answer.tried
        ],
        columns=["target", "seed", "drop", "low", "high", "verdict"],
    )  # fmt: skip


def lost_title(metric: str) -> str:
    """What an axis or a column of losses is called."""
    return "% more perplexity" if is_lower_better(metric) else "Points lost"


def _verdict(one: Try, max_drop: float) -> str:
    if one.lost:
        return LOST
    return WITHIN if one.drop <= max_drop else BEYOND


def search_chart(answer: Answer, max_drop: float) -> alt.LayerChart:
    """Points of the score that are lost, downwards, over the share of weights that is removed.

    Args:
        answer: What is known so far.
        max_drop: The tolerance, as a fraction of the score.
    """
    unit = loss_unit(answer.metric)
    frame, points = tried_frame(answer, max_drop), 100 * max_drop
    top = min(-_LEAST_POINTS, frame["low"].min())
    bottom = max(points + _LEAST_POINTS, frame["high"].max())
    y = partial(
        alt.Y,
        axis=alt.Axis(title=f"{lost_title(answer.metric)} (below 0: gained)", format=".2~f"),
        scale=alt.Scale(domain=[top, bottom], reverse=True, nice=True, zero=False),
    )
    layers = [*_tolerance(top, points, unit, y), *_trainings(frame, y)]
    if answer.target is not None:
        layers.append(_answer_line(answer.target))
    return layered(*layers).properties(height=HEIGHT)


def _tolerance(top: float, points: float, unit: str, y: Callable[..., alt.Y]) -> list[alt.Chart]:
    """A band down to what may be lost, and its two edges with their names."""
    band = (
        alt.Chart(pd.DataFrame([{"from": top, "to": points}]))
        .mark_rect(color=GREEN, opacity=0.10)
        .encode(y=y("from:Q"), y2=alt.Y2("to:Q"))
    )
    named = [(0.0, "the dense reference"), (points, f"tolerance: {points:g} {unit}")]
    edges = alt.Chart(pd.DataFrame(named, columns=["at", "name"]))
    lines = edges.mark_rule(color=GRAY, strokeDash=[4, 4]).encode(y=y("at:Q"))
    names = edges.mark_text(align="right", baseline="bottom", dx=-4, dy=-3, color=GRAY).encode(
        y=y("at:Q"), x=alt.XValue("width"), text=alt.Text("name:N")
    )
    return [band, lines, names]


def _trainings(frame: pd.DataFrame, y: Callable[..., alt.Y]) -> list[alt.Chart]:
    """A point with its interval for each, and a line through the medians over seeds."""
    base = alt.Chart(frame).encode(
        x=alt.X(
            "target:Q",
            axis=percent_axis("Gated weights removed", tickCount=10),
            scale=alt.Scale(domain=[0, 1], nice=False),
        )
    )
    color = alt.Color(
        "verdict:N",
        scale=alt.Scale(domain=[WITHIN, BEYOND, LOST], range=[BLUE, ORANGE, GRAY]),
        legend=alt.Legend(title=None, orient="top"),
    )
    tooltip = [
        alt.Tooltip("target:Q", title="Removed", format=".0%"),
        alt.Tooltip("seed:Q", title="Seed"),
        alt.Tooltip("drop:Q", title="Lost", format=".1f"),
        alt.Tooltip("low:Q", title="From", format=".1f"),
        alt.Tooltip("high:Q", title="To", format=".1f"),
    ]
    medians = base.mark_line(color=GRAY, opacity=0.6).encode(y=y("median(drop):Q"))
    whiskers = base.mark_rule(opacity=0.5).encode(y=y("low:Q"), y2=alt.Y2("high:Q"), color=color)
    dots = base.mark_point(filled=True, size=90, opacity=1).encode(
        y=y("drop:Q"), color=color, tooltip=tooltip
    )
    return [medians, whiskers, dots]


def _answer_line(target: float) -> alt.Chart:
    return (
        alt.Chart(pd.DataFrame([{"target": target}]))
        .mark_rule(color=GREEN, strokeWidth=2)
        .encode(
            x=alt.X("target:Q"), tooltip=[alt.Tooltip("target:Q", title="Answer", format=".0%")]
        )
    )
