"""The curves of several runs over one another, each run in one colour in all of them."""

import math
from dataclasses import dataclass

import altair as alt
import pandas as pd

from app.charts import style
from app.charts.curves import thin

HEIGHT, LEGEND_LINE = 280, 20
"""In pixels; a long legend takes nothing from the lines above it."""

FAINT, PALE = 0.22, 0.12
POINTS_OF_A_RUN = 300
COLORS = (
    style.BLUE, style.ORANGE, style.GREEN, style.PINK, style.RED, style.SKY, style.GRAY,
)  # fmt: skip
DASHES = ([1, 0], [7, 3], [2, 2])
"""Where colours are used up they begin again, with other dashes."""

MOST_RUNS = 12
_LONGEST_NAME, _ROOM = 260, 1.15


def color_of_run(number: int) -> str:
    """The colour of the run that was chosen as this one, from 0."""
    return COLORS[number % len(COLORS)]


def dash_of_run(number: int) -> list[int]:
    """Its dashes."""
    return DASHES[number // len(COLORS) % len(DASHES)]


@dataclass(frozen=True)
class Axis:
    """What an axis shows.

    Attributes:
        column: A column of the frame.
        title: Its name.
        format: Of its numbers, as d3 has it.
    """

    column: str
    title: str
    format: str = "~g"


def overlay(
    frame: pd.DataFrame,
    names: list[str],
    x: Axis,
    y: Axis,
    *,
    raw: str = "",
    points: bool = False,
    columns: int = 2,
) -> alt.LayerChart:
    """A line for each run; a click on a name in the legend puts the others back.

    Args:
        frame: Columns ``name``, those of the axes, and ``raw``.
        names: Every run on the page, in the order of their colours.
        x: Step or time.
        y: What is compared.
        raw: Column of the values before smoothing, drawn faint behind.
        points: Mark each value.
        columns: Of the legend.
    """
    picked = alt.selection_point(fields=["name"], bind="legend", name="picked")
    base = alt.Chart(_thinned(frame)).encode(
        x=alt.X(
            f"{x.column}:Q",
            axis=alt.Axis(title=x.title, grid=False, tickCount=6),
            scale=alt.Scale(nice=False, zero=True),
        ),
        color=alt.Color("name:N", scale=_scale(names, color_of_run), legend=_legend(columns)),
        strokeDash=alt.StrokeDash("name:N", scale=_scale(names, dash_of_run), legend=None),
    )
    value = alt.Y(
        f"{y.column}:Q", axis=alt.Axis(title=y.title, format=y.format), scale=_range(frame, y)
    )
    strength = alt.condition(picked, alt.value(1.0), alt.value(PALE))
    layers = [base.mark_line(strokeWidth=2.2).encode(y=value, opacity=strength)]
    if raw:
        faint = alt.condition(picked, alt.value(FAINT), alt.value(0.0))
        layers.insert(0, base.mark_line(strokeWidth=1).encode(y=alt.Y(f"{raw}:Q"), opacity=faint))
    seen = 1.0 if points else 0.0
    tooltip = [
        alt.Tooltip("name:N", title="Run"),
        alt.Tooltip(f"{x.column}:Q", title=x.title, format="~g"),
        alt.Tooltip(f"{y.column}:Q", title=y.title, format=_tooltip_format(y)),
    ]
    marks = base.mark_point(filled=True, size=45 if points else 90).encode(
        y=value, tooltip=tooltip, opacity=alt.condition(picked, alt.value(seen), alt.value(0.0))
    )
    height = HEIGHT + LEGEND_LINE * math.ceil(len(names) / columns)
    return alt.layer(*layers, marks.add_params(picked)).properties(height=height)


def _thinned(frame: pd.DataFrame) -> pd.DataFrame:
    each = [thin(rows, POINTS_OF_A_RUN) for _, rows in frame.groupby("name", sort=False)]
    return pd.concat(each) if each else frame


def _scale(names: list[str], look_of) -> alt.Scale:
    return alt.Scale(domain=names, range=[look_of(number) for number in range(len(names))])


def _legend(columns: int) -> alt.Legend:
    return alt.Legend(
        title=None, orient="bottom", columns=columns, symbolType="stroke", symbolOpacity=1,
        labelLimit=_LONGEST_NAME, offset=0,
    )  # fmt: skip


def _range(frame: pd.DataFrame, y: Axis) -> alt.Scale:
    """Fractions begin at 0; scores have a range that noise can't fill."""
    if "%" in y.format:
        return alt.Scale(domain=[0, min(1.0, _ROOM * frame[y.column].max())], nice=True)
    if y.column == "score" and frame["score"].notna().any():
        return alt.Scale(domain=style.spread(frame["score"].min(), frame["score"].max()), nice=True)
    return alt.Scale(zero=False)


def _tooltip_format(y: Axis) -> str:
    return ".1%" if "%" in y.format else ".3f"
