"""The curves of several runs over one another, each run in one colour in all of them."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import altair as alt
import pandas as pd

from app.charts import style
from app.charts.series import LETTER_WIDTH, SYMBOL_WIDTH
from app.charts.zoom import zoom
from finegates.reports.envelope import envelope

HEIGHT, LEGEND_LINE = 280, 20
"""In pixels; a long legend takes nothing from the lines above it."""

FAINT, PALE = 0.32, 0.12
SCORE = "score"
"""The column whose axis has the range and the scale of its metric."""
LINES, MARKS = "lines", "marks"
"""Names of the data of a specification."""
MOST_POINTS, MOST_MARKS = 3000, 300
"""Of all lines of a chart together, and how many of them can be hovered over: each of these is a
node of the page."""

COLORS = (
    style.BLUE, style.ORANGE, style.GREEN, style.PINK, style.RED, style.SKY, style.GRAY,
)  # fmt: skip
DASHES = ([1, 0], [7, 3], [2, 2])
"""Where colours are used up they begin again, with other dashes."""

MOST_RUNS, NUM_LOOKS = 12, len(COLORS) * len(DASHES)
_LONGEST_NAME, _ROOM, _SMALLEST_TOP, BESIDE_LAST, STEP_OF_TOP = 260, 1.15, 0.1, 1.015, 0.05
_COLUMN = 165
"""Pixels that a chart has for each column of its legend, in a window of 800."""


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
        metric: Whose scores it shows, if it does.
    """

    column: str
    title: str
    format: str = "~g"
    end: float | None = None
    includes: tuple[float, ...] = ()
    metric: str = ""


@dataclass(frozen=True)
class Shown:
    """What a mark shows when it is pointed at: a column, its title, and the format of numbers."""

    column: str
    title: str
    format: str = ""


@dataclass(frozen=True)
class _Plan:
    """All that the specification of an overlay depends on: no row of data is in it.

    Altair takes 30 ms for it (60 if it validates, which is for tests), and Live draws three of them
    again and again, so it is made once for each plan.
    """

    looks: tuple[tuple[str, int], ...]
    x: Axis
    x_domain: tuple[float, float]
    y: Axis
    y_domain: tuple[float, float] | None
    raw: str
    points: bool
    columns: int
    more: tuple[Shown, ...]
    faint: float
    rule: tuple[float, str] | None


def overlay(
    frame: pd.DataFrame,
    looks: Mapping[str, int],
    x: Axis,
    y: Axis,
    *,
    raw: str = "",
    points: bool = False,
    columns: int = 2,
    more: Sequence[Shown] = (),
    faint: float = FAINT,
    rule: tuple[float, str] | None = None,
) -> dict[str, Any]:
    """A line for each run; a click on a name in the legend puts the others back.

    Args:
        frame: Columns ``name``, those of the axes, and ``raw``.
        looks: Every run on the page by its name, with the number of its look.
        x: Step or time.
        y: What is compared.
        raw: Column of other values, drawn faint behind: before smoothing, or a target.
        points: Mark each value.
        columns: Of the legend at most; fewer where names are too long for a narrow window.
        more: What a point shows besides run, x and y.
        faint: Opacity of the lines behind.
        rule: A value of y with a line across the chart, and its name.

    Returns:
        The Vega-Lite specification with its data, for ``st.vega_lite_chart``. It is the same for
        the same looks and ranges, so that a chart on a page takes new data without being made anew.
    """
    lines = frame[list(dict.fromkeys(("name", x.column, y.column, raw or y.column)))]
    shown = list(dict.fromkeys(("name", x.column, y.column, *(each.column for each in more))))
    plan = _Plan(
        tuple(looks.items()), x, _x_domain(frame, x), y, _y_domain(frame, y, raw), raw, points,
        _fitting(looks, columns), tuple(more), faint, rule,
    )  # fmt: skip
    data = {
        LINES: thinned(lines, raw or y.column, MOST_POINTS),
        MARKS: thinned(frame[shown], y.column, MOST_MARKS),
    }
    return _specification(plan) | {"datasets": data}


@lru_cache(maxsize=64)
def _specification(plan: _Plan) -> dict[str, Any]:
    picked = alt.selection_point(fields=["name"], bind="legend", name="picked")
    y = plan.y
    value = alt.Y(
        f"{y.column}:Q",
        axis=alt.Axis(title=y.title, format=y.format),
        scale=alt.Scale(zero=False)
        if plan.y_domain is None
        else style.score_scale(y.metric, *plan.y_domain),
    )
    base = _base(LINES, plan)
    strength = alt.condition(picked, alt.value(1.0), alt.value(PALE))
    layers = [base.mark_line(strokeWidth=2.2, clip=True).encode(y=value, opacity=strength)]
    if plan.raw:
        weak = alt.condition(picked, alt.value(plan.faint), alt.value(0.0))
        back = base.mark_line(strokeWidth=1, clip=True)
        layers.insert(0, back.encode(y=alt.Y(f"{plan.raw}:Q"), opacity=weak))
    seen = alt.condition(picked, alt.value(1.0 if plan.points else 0.0), alt.value(0.0))
    tooltip = [
        alt.Tooltip("name:N", title="Run"),
        alt.Tooltip(f"{plan.x.column}:Q", title=plan.x.title, format="~g"),
        alt.Tooltip(f"{y.column}:Q", title=y.title, format=_tooltip_format(y)),
        *(_tooltip(each) for each in plan.more),
    ]
    marks = _base(MARKS, plan).mark_point(filled=True, size=45 if plan.points else 90, clip=True)
    marks = marks.encode(y=value, tooltip=tooltip, opacity=seen)
    chart = style.layered(*layers, marks.add_params(picked, zoom()))
    if plan.rule is not None:
        chart += style.rule(*plan.rule)
    height = HEIGHT + LEGEND_LINE * math.ceil(len(plan.looks) / plan.columns)
    return chart.properties(height=height).to_dict(validate=False)


def _fitting(names: Iterable[str], columns: int) -> int:
    """How many names stand side by side in a window of 800 pixels."""
    longest = min(_LONGEST_NAME, LETTER_WIDTH * max(map(len, names), default=0)) + SYMBOL_WIDTH
    return max(1, min(columns, int(columns * _COLUMN // longest)))


def _tooltip(shown: Shown) -> alt.Tooltip:
    if not shown.format:
        return alt.Tooltip(f"{shown.column}:N", title=shown.title)
    return alt.Tooltip(f"{shown.column}:Q", title=shown.title, format=shown.format)


def thinned(frame: pd.DataFrame, column: str, limit: int) -> pd.DataFrame:
    """At most about this many rows of all runs together, with the spikes of this column."""
    share = max(4, limit // max(1, frame["name"].nunique()))
    each = [envelope(rows, column, share) for _, rows in frame.groupby("name", sort=False)]
    return pd.concat(each) if each else frame


def _base(data: str, plan: _Plan) -> alt.Chart:
    x, looks = plan.x, dict(plan.looks)
    return alt.Chart(alt.NamedData(data)).encode(
        x=alt.X(
            f"{x.column}:Q",
            axis=alt.Axis(title=x.title, grid=False, tickCount=6),
            scale=alt.Scale(nice=False, zero=True, domain=list(plan.x_domain)),
        ),
        color=alt.Color(
            "name:N",
            scale=_scale(looks, color_of_run),
            legend=_legend(plan.columns, len(looks)),
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


def _x_domain(frame: pd.DataFrame, x: Axis) -> tuple[float, float]:
    """A little past the last value, so that its mark and its number are whole."""
    last = float(frame[x.column].max()) if len(frame) else 0.0
    return 0, BESIDE_LAST * max(x.end or 0.0, last)


def _y_domain(frame: pd.DataFrame, y: Axis, raw: str) -> tuple[float, float] | None:
    """Fractions begin at 0; scores have a range that noise can't fill. None leaves it to the chart.

    Ends are rounded outwards, so that they stay where they are while data comes.
    """
    columns = [frame[column].dropna() for column in dict.fromkeys((y.column, raw or y.column))]
    values = [float(value) for value in (*pd.concat(columns), *y.includes)]
    if "%" in y.format:
        top = max(_SMALLEST_TOP, _ROOM * max(values, default=0))
        return 0, min(style.TOP, math.ceil(top / STEP_OF_TOP) * STEP_OF_TOP)
    if y.column == SCORE and values:
        return style.score_range(y.metric, min(values), max(values))
    return None


def _tooltip_format(y: Axis) -> str:
    return ".1%" if "%" in y.format else ".3f"
