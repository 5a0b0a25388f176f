"""The curves of several runs over one another, each run in one colour in all of them."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from app.charts import style
from app.charts.zoom import zoom
from finegates.reports.envelope import envelope

HEIGHT, LEGEND_LINE = 280, 20
"""In pixels; a long legend takes nothing from the lines above it."""

FAINT, PALE = 0.32, 0.12
MOST_POINTS, MOST_MARKS = 3000, 900
"""Of all lines of a chart together, and how many of them can be hovered over: each of these is a
node of the page."""

COLORS = (
    style.BLUE, style.ORANGE, style.GREEN, style.PINK, style.RED, style.SKY, style.GRAY,
)  # fmt: skip
DASHES = ([1, 0], [7, 3], [2, 2])
"""Where colours are used up they begin again, with other dashes."""

MOST_RUNS, NUM_LOOKS = 12, len(COLORS) * len(DASHES)
_LONGEST_NAME, _ROOM, _SMALLEST_TOP, _BESIDE_LAST = 260, 1.15, 0.1, 1.015


def color_of_run(number: int) -> str:
    """The colour of a run with this look, a number of `app.curves.looks.look_numbers`."""
    return COLORS[number % len(COLORS)]


def dash_of_run(number: int) -> list[int]:
    """The dashes of the look."""
    return DASHES[number // len(COLORS) % len(DASHES)]


@dataclass(frozen=True)
class Axis:
    """What an axis shows.

    Attributes:
        column: A column of the frame.
        title: Its name.
        format: Of its numbers, as d3 has it.
        end: Where it ends at least, so that it stands still while runs go on.
        includes: Values that must be on it.
    """

    column: str
    title: str
    format: str = "~g"
    end: float | None = None
    includes: tuple[float, ...] = ()


def overlay(
    frame: pd.DataFrame,
    looks: Mapping[str, int],
    x: Axis,
    y: Axis,
    *,
    raw: str = "",
    points: bool = False,
    columns: int = 2,
    more: Sequence[alt.Tooltip] = (),
    faint: float = FAINT,
) -> alt.LayerChart:
    """A line for each run; a click on a name in the legend puts the others back.

    Args:
        frame: Columns ``name``, those of the axes, and ``raw``.
        looks: Every run on the page by its name, with the number of its look.
        x: Step or time.
        y: What is compared.
        raw: Column of other values, drawn faint behind: before smoothing, or a target.
        points: Mark each value.
        columns: Of the legend.
        more: What a point shows besides run, x and y.
        faint: Opacity of the lines behind.
    """
    picked = alt.selection_point(fields=["name"], bind="legend", name="picked")
    value = alt.Y(
        f"{y.column}:Q", axis=alt.Axis(title=y.title, format=y.format), scale=_range(frame, y)
    )
    lines = frame[list(dict.fromkeys(("name", x.column, y.column, raw or y.column)))]
    base = _base(thinned(lines, raw or y.column, MOST_POINTS), looks, x, columns)
    strength = alt.condition(picked, alt.value(1.0), alt.value(PALE))
    layers = [base.mark_line(strokeWidth=2.2, clip=True).encode(y=value, opacity=strength)]
    if raw:
        weak = alt.condition(picked, alt.value(faint), alt.value(0.0))
        back = base.mark_line(strokeWidth=1, clip=True).encode(y=alt.Y(f"{raw}:Q"), opacity=weak)
        layers.insert(0, back)
    seen = alt.condition(picked, alt.value(1.0 if points else 0.0), alt.value(0.0))
    tooltip = [
        alt.Tooltip("name:N", title="Run"),
        alt.Tooltip(f"{x.column}:Q", title=x.title, format="~g"),
        alt.Tooltip(f"{y.column}:Q", title=y.title, format=_tooltip_format(y)),
        *more,
    ]
    fields = [t.shorthand.partition(":")[0] for t in tooltip]
    few = _base(thinned(frame[fields], y.column, MOST_MARKS), looks, x, columns)
    marks = few.mark_point(filled=True, size=45 if points else 90, clip=True).encode(
        y=value, tooltip=tooltip, opacity=seen
    )
    height = HEIGHT + LEGEND_LINE * math.ceil(len(looks) / columns)
    return style.layered(*layers, marks.add_params(picked, zoom())).properties(height=height)


def thinned(frame: pd.DataFrame, column: str, limit: int) -> pd.DataFrame:
    """At most about this many rows of all runs together, with the spikes of this column."""
    share = max(4, limit // max(1, frame["name"].nunique()))
    each = [envelope(rows, column, share) for _, rows in frame.groupby("name", sort=False)]
    return pd.concat(each) if each else frame


def _base(frame: pd.DataFrame, looks: Mapping[str, int], x: Axis, columns: int) -> alt.Chart:
    end = _BESIDE_LAST * max(x.end, frame[x.column].max()) if x.end else None
    domain = alt.Undefined if end is None else [0, end]
    return alt.Chart(frame).encode(
        x=alt.X(
            f"{x.column}:Q",
            axis=alt.Axis(title=x.title, grid=False, tickCount=6),
            scale=alt.Scale(nice=False, zero=True, domain=domain),
        ),
        color=alt.Color(
            "name:N", scale=_scale(looks, color_of_run), legend=_legend(columns, len(looks))
        ),
        strokeDash=alt.StrokeDash("name:N", scale=_scale(looks, dash_of_run), legend=None),
    )


def _scale(looks: Mapping[str, int], look_of: Callable[[int], Any]) -> alt.Scale:
    return alt.Scale(domain=list(looks), range=[look_of(number) for number in looks.values()])


def _legend(columns: int, num_runs: int) -> alt.Legend | None:
    if num_runs == 1:
        return None
    return alt.Legend(
        title=None, orient="bottom", columns=columns, symbolType="stroke", symbolOpacity=1,
        labelLimit=_LONGEST_NAME, offset=0,
    )  # fmt: skip


def _range(frame: pd.DataFrame, y: Axis) -> alt.Scale:
    """Fractions begin at 0; scores have a range that noise can't fill."""
    values = [*frame[y.column].dropna(), *y.includes]
    if "%" in y.format:
        top = max(_SMALLEST_TOP, _ROOM * max(values, default=0))
        return alt.Scale(domain=[0, min(1.0, top)], nice=True)
    if y.column == "score" and values:
        return alt.Scale(domain=style.spread(min(values), max(values)), nice=True)
    return alt.Scale(zero=False)


def _tooltip_format(y: Axis) -> str:
    return ".1%" if "%" in y.format else ".3f"
