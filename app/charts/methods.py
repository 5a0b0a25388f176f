"""Every measured method as a named point: score against what it trains, removes, or gains."""

import math
from collections.abc import Callable

import altair as alt
import pandas as pd

from app.charts import style
from app.words import metric_name

WIDTH, HEIGHT = 520, 400
"""Pixels that names are placed for: half a window of 1280. In a wider one they have more room."""
LETTER, LINE, GAP = 6.2, 13, 8
"""Pixels: of a letter at 11 px, of a line of names, and from a point to its name."""
MOST_LINES = 5
"""So far up or down a name may move; one without room is told by its tooltip alone."""
FAINT = 0.4
"""Opacity: of what is not picked, and of the range of seeds."""
AXES = {
    "trained": "Trained parameters", "removed": "Weights removed", "speedup": "Times as fast",
}  # fmt: skip
_ROOM = 0.06
"""Of an axis, beyond its outermost points."""


def methods_chart(frame: pd.DataFrame, axis: str, metric: str, title: str = "") -> alt.LayerChart:
    """Points with the range of their seeds, each with its name beside it.

    Args:
        frame: From `app.methods.frames.points`, at least one row with a number on the axis.
        axis: A key of `AXES`; trained parameters are on a log scale.
        metric: What the scores are.
        title: Of the axis, where it is not the usual one.
    """
    frame = frame.dropna(subset=[axis])
    log = axis == "trained"
    low, high = style.score_range(metric, float(frame["low"].min()), float(frame["high"].max()))
    ends = _ends(frame[axis], axis)
    strength = frame["chosen"].map({True: 1.0, False: FAINT}) if frame["chosen"].any() else 1.0
    named = with_names(frame.assign(strength=strength), axis, log, ends, (low, high))
    title = title or AXES[axis]
    x_axis = _x_axis(axis, title, ends)
    x_scale = alt.Scale(type="log" if log else "linear", domain=list(ends), nice=False)
    y_scale = style.score_scale(metric, low, high)
    y_axis = alt.Axis(title=metric_name(metric), format=style.SCORE_AXIS)
    base = alt.Chart(named).encode(
        x=alt.X(f"{axis}:Q", axis=x_axis, scale=x_scale),
        color=alt.Color("color:N", scale=None),
        opacity=alt.Opacity("strength:Q", scale=None),
    )

    def y(column: str) -> alt.Y:
        return alt.Y(f"{column}:Q", axis=y_axis, scale=y_scale)

    bars = base.mark_rule(strokeWidth=3).encode(y=y("low"), y2="high:Q", opacity=alt.value(FAINT))
    marks = base.mark_point(filled=True, size=90).encode(
        y=y("score"), shape=alt.Shape("shape:N", scale=None), tooltip=_tooltip(metric)
    )
    return style.layered(bars, marks, *_names(base, y)).properties(height=HEIGHT)


def _names(base: alt.Chart, y: Callable[[str], alt.Y]) -> list[alt.Chart]:
    """Right of the points, or left where they would run out of the chart."""
    sides = {
        "right": base.mark_text(align="left", dx=GAP, fontSize=11, fontWeight=600),
        "left": base.mark_text(align="right", dx=-GAP, fontSize=11, fontWeight=600),
    }
    return [
        marks.transform_filter(f"datum.side === '{side}' && isValid(datum.name_y)").encode(
            y=y("name_y"), text="method:N"
        )
        for side, marks in sides.items()
    ]


def with_names(
    frame: pd.DataFrame,
    axis: str,
    log: bool,
    x_ends: tuple[float, float],
    y_ends: tuple[float, float],
) -> pd.DataFrame:
    """The frame with ``side`` and ``name_y`` of each name: no two lie on one another.

    Args:
        frame: Points.
        axis: Column of the x axis.
        log: Whether that is a log scale.
        x_ends: Of the x axis.
        y_ends: Of the y axis.
    """
    x = [_pixel(value, x_ends, WIDTH, log) for value in frame[axis]]
    y = [_pixel(value, y_ends, HEIGHT) for value in frame["score"]]
    taken = [(px - GAP, py - GAP, px + GAP, py + GAP) for px, py in zip(x, y, strict=True)]
    sides, places = [], []
    for name, px, py in zip(frame["method"], x, y, strict=True):
        width = LETTER * len(name)
        side = "right" if px + GAP + width <= WIDTH else "left"
        start = px + GAP if side == "right" else px - GAP - width
        moved = (_moved(py, line) for line in range(2 * MOST_LINES + 1))
        boxes = ((start, at - LINE / 2, start + width, at + LINE / 2) for at in moved)
        box = next((b for b in boxes if not any(_overlap(b, other) for other in taken)), None)
        sides.append(side)
        places.append(None if box is None else _score((box[1] + box[3]) / 2, y_ends))
        taken += [] if box is None else [box]
    return frame.assign(side=sides, name_y=pd.Series(places, frame.index, dtype=float))


def _moved(pixel: float, line: int) -> float:
    """Where the nth try is: there, then by half lines up and down in turn."""
    step = (line + 1) // 2 * LINE / 2
    return pixel + (step if line % 2 else -step)


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    across = one[0] < other[2] and other[0] < one[2]
    return across and one[1] < other[3] and other[1] < one[3]


def _pixel(value: float, ends: tuple[float, float], length: int, log: bool = False) -> float:
    low, high, value = (math.log(v) if log else v for v in (*ends, value))
    return length * (value - low) / (high - low)


def _score(pixel: float, ends: tuple[float, float]) -> float:
    return ends[0] + (ends[1] - ends[0]) * pixel / HEIGHT


def _ends(values: pd.Series, axis: str) -> tuple[float, float]:
    """Of the x axis, a little beyond its points; fractions begin at 0, speeds at that of before."""
    if axis == "trained":
        low, high = math.log(values.min()), math.log(values.max())
        room = max(_ROOM * (high - low), math.log(2))
        return math.exp(low - room), math.exp(high + room)
    if axis == "speedup":
        low, high = min(1.0, float(values.min())), max(1.1, float(values.max()))
        return low, high + _ROOM * (high - low)
    return 0.0, min(style.TOP, max(0.1, float(values.max()) * (1 + _ROOM)))


def _x_axis(axis: str, title: str, ends: tuple[float, float]) -> alt.Axis:
    if axis == "trained":
        return _powers(title, ends)
    if axis == "speedup":
        return alt.Axis(title=title, format=".1f", tickCount=5)
    return style.percent_axis(title, tickCount=5)


def _powers(title: str, ends: tuple[float, float]) -> alt.Axis:
    """A line for each power of ten and for three times it: all of them would be a fence."""
    first, last = (math.floor(math.log10(end)) for end in ends)
    values = [part * 10**power for power in range(first, last + 1) for part in (1, 3)]
    return alt.Axis(title=title, format="~s", values=values)


def _tooltip(metric: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("method:N", title="Method"),
        alt.Tooltip("score:Q", title=metric_name(metric), format=style.SCORE),
        alt.Tooltip("low:Q", title="Lowest", format=style.SCORE),
        alt.Tooltip("high:Q", title="Highest", format=style.SCORE),
        alt.Tooltip("seeds:Q", title="Seeds"),
        alt.Tooltip("trained:Q", title=AXES["trained"], format=","),
        alt.Tooltip("removed:Q", title=AXES["removed"], format=".1%"),
        alt.Tooltip("speedup:Q", title=AXES["speedup"], format=".2f"),
    ]
