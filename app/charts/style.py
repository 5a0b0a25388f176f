"""Colours and small helpers that all charts share.

Colours and shapes of methods are the library's. Backgrounds stay transparent; text and grid come
from the page's theme.
"""

import math
from collections.abc import Sequence
from typing import Any, Literal

import altair as alt
from altair.utils.schemapi import disable_debug_mode

from finegates.data.metric_kinds import is_lower_better
from finegates.reports.palette import (
    BLUE,
    GRAY,
    GREEN,
    METHOD_LOOKS,
    ORANGE,
    PINK,
    RED,
    SKY,
)

__all__ = [
    "BLUE", "GRAY", "GREEN", "METHOD_LOOKS", "ORANGE", "PINK", "RED", "SKY",
]  # fmt: skip

METHOD_COLORS = {name: color for name, (color, _) in METHOD_LOOKS.items()}
METHOD_SHAPES = {name: shape for name, (_, shape) in METHOD_LOOKS.items()}

CLOSED_COLOR, OPEN_COLOR = GRAY, BLUE
BETWEEN_COLORS = ("#e69f00", "#f3d28a", "#a9d3ee", "#4a9ad6")
"""Gates in between, from nearly closed to nearly open."""

SCORE, SCORE_AXIS = ".3f", "~g"  # an axis of a narrow range needs its digits


SMALLEST_RANGE = 0.1
"""Ten points: on a thousand rows two runs may differ by two for no reason at all."""

PAST_BEST = 0.03
"""Of a range of scores that ends at the best there is, 1: room for half a point."""
MARGIN = 0.08
"""Of a range of scores, beyond each of its ends."""
TOP = 1.02
"""Where an axis of fractions ends at most: a line on 100% is whole."""


disable_debug_mode()
# Altair checks each part of a chart when it is made and the whole when it is drawn. Once is enough.


@alt.theme.register("finegates", enable=True)
def _theme() -> alt.theme.ThemeConfig:
    """Numbers stand beside their lines of the grid; Streamlit shifts the first and the last."""
    return alt.theme.ThemeConfig(config={"axisY": {"labelFlush": False}})


def layered(*layers: alt.Chart | alt.LayerChart) -> alt.LayerChart:
    """Charts over one another, the last in front."""
    chart = alt.layer(*layers)
    assert isinstance(chart, alt.LayerChart)  # of facets Altair would make one of facets
    return chart


def percent_axis(title: str | None, **options: Any) -> alt.Axis:
    """An axis of fractions, labelled in percent."""
    return alt.Axis(title=title, format="~%", **options)


def color_of(method: str) -> str:
    """A method's colour; grey for one of another version of this program."""
    return METHOD_COLORS.get(method, GRAY)


def shape_of(method: str) -> str:
    """A method's shape."""
    return METHOD_SHAPES.get(method, "circle")


VARIANT_SHAPES = ("triangle-up", "square", "cross", "triangle-down", "diamond", "triangle-left")


def variant_shape(method: str, number: int) -> str:
    """A shape for a method's line in one chart: its own, others for variants of its settings."""
    others = [shape for shape in VARIANT_SHAPES if shape != shape_of(method)]
    return shape_of(method) if number == 0 else others[(number - 1) % len(others)]


SHADES = (0.0, -0.4, 0.45, -0.62, 0.65)
"""Of the variants of a method: how far towards black (below 0) or white each is."""


def variant_color(method: str, number: int) -> str:
    """A colour for a method's line in one chart: its own, shades of it for variants."""
    shade, own = SHADES[number % len(SHADES)], color_of(method).removeprefix("#")
    end, share = (0, -shade) if shade < 0 else (255, shade)
    parts = (int(own[place : place + 2], 16) for place in (0, 2, 4))
    return "#" + "".join(f"{round(part + (end - part) * share):02x}" for part in parts)


def in_order(methods: Sequence[str]) -> list[str]:
    """Methods in the order that legends, tables and lists have; unknown ones last."""
    known = list(METHOD_LOOKS)
    return sorted({*methods}, key=lambda m: (known.index(m) if m in known else len(known), m))


def rule(
    y: float, label: str, width: float = 1.5, side: Literal["left", "right"] = "left"
) -> alt.LayerChart:
    """A quiet dashed line over the whole width, with its name at one end.

    Args:
        y: Where.
        label: Its name.
        width: In pixels; 0 leaves only the name.
        side: The end that the name stands at: left or right.
    """
    data = alt.Data(values=[{"y": y, "label": label}])
    base = alt.Chart(data).encode(y=alt.Y("y:Q"))
    line = base.mark_rule(color=GRAY, strokeDash=[4, 4], strokeWidth=width, opacity=min(width, 1))
    at_left = side == "left"
    text = base.mark_text(
        align=side, baseline="bottom", dx=4 if at_left else -4, dy=-3, color=GRAY, fontSize=12
    ).encode(text=alt.Text("label:N"), x=alt.XValue(0 if at_left else "width"))
    return line + text


def upright(x: float, label: str) -> alt.LayerChart:
    """A quiet dashed line over the whole height, with its name at the top."""
    base = alt.Chart(alt.Data(values=[{"x": x, "label": label}])).encode(x=alt.X("x:Q"))
    line = base.mark_rule(color=GRAY, strokeDash=[4, 4], strokeWidth=1.5)
    text = base.mark_text(align="right", baseline="top", dx=-4, color=GRAY, fontSize=12).encode(
        text=alt.Text("label:N"), y=alt.YValue(0)
    )
    return line + text


def spread(low: float, high: float, margin: float = MARGIN) -> tuple[float, float]:
    """A range of scores a little wider than its data, and never so narrow that noise fills it.

    It ends right above 1 where scores are near it: none can be higher, and a point on 1 is whole.
    """
    gap, middle = max(high - low, SMALLEST_RANGE), (low + high) / 2
    half = gap * (0.5 + margin)
    top = middle + half
    best = 1 + gap * PAST_BEST
    if high <= 1 < top and top > best:
        return round_down(min(low - gap * margin, best - 2 * half)), best
    return round_down(middle - half), round_up(top)


def score_range(metric: str, low: float, high: float) -> tuple[float, float]:
    """As `spread`, of a metric's scores; of a perplexity by ratios, as its axis has them."""
    if not is_lower_better(metric):
        return spread(low, high)
    gap, middle = max(math.log(high / low), SMALLEST_RANGE), math.log(high * low) / 2
    half = gap * (0.5 + MARGIN)
    return math.exp(middle - half), math.exp(middle + half)


def score_scale(metric: str, low: float, high: float) -> alt.Scale:
    """The scale of an axis of scores from one end to the other; of a perplexity a log scale."""
    kind: dict[str, Any] = {"type": "log"} if is_lower_better(metric) else {"zero": False}
    return alt.Scale(domain=[low, high], nice=False, **kind)


def round_down(value: float) -> float:
    """To a hundredth below: the end of an axis that stands still while values come."""
    return math.floor(100 * value) / 100


def round_up(value: float) -> float:
    """To a hundredth above."""
    return math.ceil(100 * value) / 100
