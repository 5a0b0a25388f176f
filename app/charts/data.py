"""Charts of a user's rows: how many of each class or number, and how long the texts are."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from app.charts import style

BAR_HEIGHT, AXIS_HEIGHT = 26, 60
HEIGHT = 240
NUMBER = ",.4~r"
"""Numbers of a label may be thousandths or millions."""
GAP = 0.06
"""Share of a bar's width that is left free on each side."""


def class_bars(frame: pd.DataFrame) -> alt.LayerChart:
    """A bar for each class, with its rows and share behind it.

    Args:
        frame: From `app.data.frames.class_frame`.
    """
    labels = frame.assign(
        words=[f"{n:,} ({s:.1%})" for n, s in zip(frame["rows"], frame["share"], strict=True)]
    )
    room = alt.Scale(domain=[0, 1.25 * max(int(frame["rows"].max()), 1)], nice=False)
    base = alt.Chart(labels).encode(
        y=alt.Y(
            "label:N", sort=None, title=None, axis=alt.Axis(labelLimit=180, labelOverlap=False)
        ),
        x=alt.X("rows:Q", title="Rows", scale=room, axis=alt.Axis(format=",d", tickCount=4)),
        tooltip=[
            alt.Tooltip("label:N", title="Label"),
            alt.Tooltip("rows:Q", title="Rows", format=","),
            alt.Tooltip("share:Q", title="Share", format=".1%"),
        ],
    )
    bars = base.mark_bar(color=style.BLUE, cornerRadiusEnd=3)
    text = base.mark_text(align="left", dx=5, color=style.GRAY).encode(text=alt.Text("words:N"))
    return style.layered(bars, text).properties(height=AXIS_HEIGHT + BAR_HEIGHT * len(frame))


def length_bars(frame: pd.DataFrame, unit: str, limit: int | None = None) -> alt.LayerChart:
    """How many rows are how long.

    Args:
        frame: From `app.data.frames.histogram`.
        unit: What is counted: words or tokens.
        limit: What is longer is cut; a line there, if it is given, and other bars beyond.
    """
    cut = f"datum.start > {limit}" if limit is not None else "false"
    whole = frame.assign(last=frame["end"] - 1)
    tooltip = [
        alt.Tooltip("start:Q", title=f"From ({unit})"),
        alt.Tooltip("last:Q", title=f"To ({unit})"),
    ]
    axis = alt.Axis(tickMinStep=1, grid=False, format="d")
    bars = _bars(whole, f"{unit.capitalize()} in a row", axis, tooltip).encode(
        color=alt.condition(cut, alt.value(style.ORANGE), alt.value(style.BLUE))
    )
    layers: list[alt.Chart | alt.LayerChart] = [bars]
    if limit is not None and limit < frame["end"].max():
        layers.append(style.upright(limit, f"cut at {limit}"))
    return style.layered(*layers).properties(height=HEIGHT)


def target_bars(frame: pd.DataFrame, name: str) -> alt.LayerChart:
    """How many rows have which number as their label.

    Args:
        frame: From `app.data.frames.target_histogram`.
        name: Of the label's column.
    """
    tooltip = [
        alt.Tooltip("start:Q", title="From", format=NUMBER),
        alt.Tooltip("end:Q", title="Below", format=NUMBER),
    ]
    axis = alt.Axis(grid=False, format=NUMBER, tickCount=6, labelOverlap=True)
    return style.layered(_bars(frame, name, axis, tooltip)).properties(height=HEIGHT)


def _bars(
    frame: pd.DataFrame, title: str, axis: alt.Axis, tooltip: Sequence[alt.Tooltip]
) -> alt.Chart:
    """A bar from ``start`` to ``end`` for each row of a histogram, as high as its ``rows``."""
    gap = (frame["end"] - frame["start"]) * GAP
    drawn = frame.assign(left=frame["start"] + gap, right=frame["end"] - gap, bottom=0)
    scale = alt.Scale(domain=[float(frame["start"].min()), float(frame["end"].max())], nice=False)
    return (
        alt.Chart(drawn)
        .mark_rect(color=style.BLUE)
        .encode(
            x=alt.X("left:Q", title=title, axis=axis, scale=scale),
            x2=alt.X2("right:Q"),
            y=alt.Y("rows:Q", title="Rows", axis=alt.Axis(tickMinStep=1)),
            y2=alt.Y2("bottom:Q"),
            tooltip=[
                *tooltip,
                alt.Tooltip("rows:Q", title="Rows", format=","),
                alt.Tooltip("share:Q", title="Share", format=".1%"),
            ],
        )
    )
