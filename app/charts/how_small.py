"""How much score each removal costs, with the tolerance as a band and the answer in front."""

import altair as alt
import pandas as pd

from app.charts.style import BLUE, GRAY, GREEN, ORANGE, layered, percent_axis
from finegates.fitting.fit import Answer

HEIGHT = 380
WITHIN, BEYOND = "within the tolerance", "beyond it"
_LEAST_POINTS = 1.5
"""The axis reaches at least this many points to either side of the reference."""


def tried_frame(answer: Answer, max_drop: float) -> pd.DataFrame:
    """A row for each training: columns target, seed, drop, low, high (points), verdict."""
    return pd.DataFrame(
        [
            {
                "target": one.target, "seed": one.seed, "drop": 100 * one.drop,
                "low": 100 * (one.drop - one.doubt), "high": 100 * (one.drop + one.doubt),
                "verdict": WITHIN if one.drop <= max_drop else BEYOND,
            }
            for one in answer.tried
        ],
        columns=["target", "seed", "drop", "low", "high", "verdict"],
    )  # fmt: skip


def search_chart(answer: Answer, max_drop: float) -> alt.LayerChart:
    """Points of the score that are lost, downwards, over the share of weights that is removed.

    Args:
        answer: What is known so far.
        max_drop: The tolerance, as a fraction of the score.
    """
    frame = tried_frame(answer, max_drop)
    points = 100 * max_drop
    top = min(-_LEAST_POINTS, frame["low"].min()) if len(frame) else -_LEAST_POINTS
    bottom = max(points + _LEAST_POINTS, frame["high"].max()) if len(frame) else points + 1
    title = "Points lost (below 0: gained)"

    def y(field: str) -> alt.Y:
        return alt.Y(
            field,
            axis=alt.Axis(title=title, format=".2~f"),
            scale=alt.Scale(domain=[top, bottom], reverse=True, nice=True, zero=False),
        )

    x = alt.X(
        "target:Q",
        axis=percent_axis("Gated weights removed", tickCount=10),
        scale=alt.Scale(domain=[0, 1], nice=False),
    )
    band = (
        alt.Chart(pd.DataFrame([{"from": top, "to": points}]))
        .mark_rect(color=GREEN, opacity=0.10)
        .encode(y=y("from:Q"), y2="to:Q")
    )
    edges = alt.Chart(
        pd.DataFrame(
            [
                {"at": 0.0, "name": "the dense reference"},
                {"at": points, "name": f"tolerance: {points:g} points"},
            ]
        )
    )
    lines = edges.mark_rule(color=GRAY, strokeDash=[4, 4]).encode(y=y("at:Q"))
    names = edges.mark_text(align="right", baseline="bottom", dx=-4, dy=-3, color=GRAY).encode(
        y=y("at:Q"), x=alt.value("width"), text="name:N"
    )
    base = alt.Chart(frame)
    color = alt.Color(
        "verdict:N",
        scale=alt.Scale(domain=[WITHIN, BEYOND], range=[BLUE, ORANGE]),
        legend=alt.Legend(title=None, orient="top"),
    )
    tooltip = [
        alt.Tooltip("target:Q", title="Removed", format=".0%"),
        alt.Tooltip("seed:Q", title="Seed"),
        alt.Tooltip("drop:Q", title="Points lost", format=".1f"),
        alt.Tooltip("low:Q", title="From", format=".1f"),
        alt.Tooltip("high:Q", title="To", format=".1f"),
    ]
    whiskers = base.mark_rule(opacity=0.5).encode(x=x, y=y("low:Q"), y2="high:Q", color=color)
    medians = base.mark_line(color=GRAY, opacity=0.6).encode(x=x, y=y("median(drop):Q"))
    dots = base.mark_point(filled=True, size=90, opacity=1).encode(
        x=x, y=y("drop:Q"), color=color, tooltip=tooltip
    )
    layers = [band, lines, names, medians, whiskers, dots]
    if answer.target is not None:
        layers.append(_answer_line(answer.target))
    return layered(*layers).properties(height=HEIGHT)


def _answer_line(target: float) -> alt.Chart:
    return (
        alt.Chart(pd.DataFrame([{"target": target}]))
        .mark_rule(color=GREEN, strokeWidth=2)
        .encode(x="target:Q", tooltip=[alt.Tooltip("target:Q", title="Answer", format=".0%")])
    )
