"""The layers of the trade-off chart that show the user's own runs."""

import altair as alt
import pandas as pd

from app.charts import style
from app.charts.axes import AXES, KIND_NAMES, KNOWN_AXES
from app.charts.baselines import apart_on_axis, short_names
from app.charts.series import Encodings
from finegates.results.points import ROUNDED, THRESHOLDS, TRAINED

DASHES = {TRAINED: [1, 0], ROUNDED: [6, 4], THRESHOLDS: [2, 3]}
OPENED, OPENED_GROWING = "opened", "opened_growing"
"""Selections of a clicked run; give them to ``st.altair_chart`` as ``selection_mode``."""


def median_lines(lines: pd.DataFrame, encodings: Encodings) -> list[alt.Chart]:
    """A line through the medians, dashed where one training gave all of it."""
    frame = lines.assign(how=lines["kind"].map(KIND_NAMES))
    kinds = [kind for kind in KIND_NAMES if kind in set(lines["kind"])]
    dash = alt.StrokeDash(
        "how:N",
        scale=alt.Scale(domain=[KIND_NAMES[k] for k in kinds], range=[DASHES[k] for k in kinds]),
        legend=alt.Legend(
            title=None, orient="top", symbolType="stroke", symbolSize=400,
        )
        if {*kinds} - {TRAINED}
        else None,
    )  # fmt: skip
    base = alt.Chart(frame).encode(x=encodings.x, y=encodings.y("median"))
    line = base.mark_line(strokeWidth=2, opacity=0.85).encode(
        detail=alt.Detail("line:N"),
        order=alt.Order(f"{encodings.axis}:Q"),
        color=encodings.color,
        strokeDash=dash,
    )
    return [line, base.mark_point(size=110, opacity=0).encode(tooltip=_median_tooltip())]


def whiskers(lines: pd.DataFrame, encodings: Encodings) -> list[alt.Chart]:
    """From the lowest to the highest seed."""
    several = lines[(lines["num_seeds"] > 1) & (lines["kind"] == TRAINED)]
    if several.empty:
        return []
    bars = alt.Chart(several).mark_rule(strokeWidth=5, opacity=0.25)
    return [
        bars.encode(x=encodings.x, y=encodings.y("low"), y2=alt.Y2("high:Q"), color=encodings.color)
    ]


def curve_ends(
    lines: pd.DataFrame, encodings: Encodings, gap: float, metric: str
) -> list[alt.Chart]:
    """Cheap curves: a ring for each cut; at the end the target of the training, or whose it is."""
    cuts = lines[lines["kind"] != TRAINED].sort_values(encodings.axis)
    if cuts.empty:
        return []
    rings = alt.Chart(cuts).mark_point(size=26, filled=False, strokeWidth=1.4, opacity=0.9)
    ends = cuts.groupby("line", as_index=False).last().sort_values("median")
    named = zip(ends["trained_target"], short_names(ends), strict=True)
    ends["name"] = [f"from {target:.0%}" if target else name for target, name in named]
    ends["label_y"] = ends.groupby(ends[encodings.axis].round(2))["median"].transform(
        lambda scores: apart_on_axis(metric, list(scores), gap)
    )
    texts = alt.Chart(ends).mark_text(align="left", dx=7, fontSize=11)
    return [
        rings.encode(x=encodings.x, y=encodings.y("median"), color=encodings.color),
        texts.encode(
            x=encodings.x, y=encodings.y("label_y"), color=encodings.color, text=alt.Text("name:N")
        ),
    ]


def run_points(runs: pd.DataFrame, encodings: Encodings) -> alt.Chart:
    """A point for each run; a click selects it."""
    points = alt.Chart(runs).mark_point(filled=True, size=85, opacity=0.9, cursor="pointer")
    return points.encode(
        x=encodings.x,
        y=encodings.y("score"),
        color=encodings.color,
        shape=encodings.shape,
        tooltip=_run_tooltip(),
    ).add_params(alt.selection_point(name=OPENED, fields=["run"], toggle=False))


def growing_points(growing: pd.DataFrame, encodings: Encodings) -> list[alt.Chart]:
    """A dashed ring for each run at work, with how far it is: it moves until the run has finished.

    Args:
        growing: From `app.tradeoff.growing.growing`.
        encodings: Of the chart.
    """
    frame = growing.assign(share=growing["done"].map("{:.0%}".format))
    click = alt.selection_point(name=OPENED_GROWING, fields=["run"], toggle=False)
    layers = []
    for method, of_method in frame.groupby("method", sort=False):
        base = alt.Chart(of_method).encode(x=encodings.x, y=encodings.y("score"))
        color = style.color_of(str(method))  # not by a scale, which would split the legend
        rings = base.mark_point(
            filled=False, size=190, strokeWidth=2, strokeDash=[3, 2], opacity=1, color=color,
            cursor="pointer",
        ).encode(tooltip=_growing_tooltip())  # fmt: skip
        texts = base.mark_text(align="left", dx=11, fontSize=11, color=color)
        layers += [rings, texts.encode(text=alt.Text("share:N"))]
    layers[0] = layers[0].add_params(click)
    return layers


def partial_points(partial: pd.DataFrame, encodings: Encodings) -> list[alt.Chart]:
    """A hollow point with a bar for each that was scored on a part of the rows.

    Args:
        partial: From `app.tradeoff.partial.partial_points`.
        encodings: Of the chart.
    """
    layers = []
    for method, of_method in partial.groupby("method", sort=False):
        base = alt.Chart(of_method).encode(x=encodings.x)
        color = style.color_of(str(method))  # not by a scale, which would split the legend
        bars = base.mark_rule(strokeWidth=4, opacity=0.3, color=color)
        points = base.mark_point(filled=False, size=40, strokeWidth=1.5, opacity=0.9, color=color)
        layers += [
            bars.encode(y=encodings.y("low"), y2=alt.Y2("high:Q")),
            points.encode(y=encodings.y("score"), tooltip=_partial_tooltip()),
        ]
    return layers


def _partial_tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("name:N", title="Curve of"),
        alt.Tooltip("cut:N", title="Cut"),
        alt.Tooltip("rows:N", title="On rows"),
        alt.Tooltip("score:Q", title="Score so far", format=style.SCORE),
        alt.Tooltip("low:Q", title="At least", format=style.SCORE),
        alt.Tooltip("high:Q", title="At most", format=style.SCORE),
        alt.Tooltip("removed:Q", title=AXES["removed"][0], format=".1%"),
    ]


def _growing_tooltip() -> list[alt.Tooltip]:
    fractions = [alt.Tooltip(f"{a}:Q", title=AXES[a][0], format=".1%") for a in KNOWN_AXES]
    return [
        alt.Tooltip("name:N", title="At work"),
        alt.Tooltip("state:N", title="State"),
        alt.Tooltip("share:N", title="Done"),
        alt.Tooltip("score:Q", title="Score so far", format=style.SCORE),
        *fractions,
    ]


def _median_tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("series:N", title="Recipe"),
        alt.Tooltip("how:N", title="How"),
        alt.Tooltip("median:Q", title="Median score", format=style.SCORE),
        alt.Tooltip("low:Q", title="Lowest", format=style.SCORE),
        alt.Tooltip("high:Q", title="Highest", format=style.SCORE),
        alt.Tooltip("num_seeds:Q", title="Seeds"),
        alt.Tooltip("missing:N", title="Missing seeds"),
        *_places(),
    ]


def _run_tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("run:N", title="Run"),
        alt.Tooltip("series:N", title="Recipe"),
        alt.Tooltip("seed:Q", title="Seed"),
        alt.Tooltip("score:Q", title="Score", format=style.SCORE),
        *_places(),
    ]


def _places() -> list[alt.Tooltip]:
    """Where it stands on every axis, and what it was timed on."""
    fractions = [alt.Tooltip(f"{a}:Q", title=title, format=".1%") for a, (title, _) in AXES.items()]
    return [*fractions, alt.Tooltip("where:N", title="Timed on")]
