"""Colours and small helpers that all charts share.

The palette is Okabe and Ito's, made for colour-blind readers, its blue a little lighter so that it
reads on a dark page too. Backgrounds stay transparent; text and grid come from the page's theme.
"""

from collections.abc import Sequence

import altair as alt

from finegates.methods import METHODS

BLUE, ORANGE, GREEN, PINK = "#2b7fc0", "#e69f00", "#009e73", "#cc79a7"
RED, SKY, GRAY = "#d55e00", "#56b4e9", "#808890"

METHOD_COLORS = dict(zip(METHODS, (BLUE, ORANGE, GREEN, PINK, SKY, RED), strict=False))
METHOD_SHAPES = dict(
    zip(METHODS, ("circle", "diamond", "square", "triangle-up", "cross", "stroke"), strict=False)
)

CLOSED_COLOR, OPEN_COLOR = GRAY, BLUE
BETWEEN_COLORS = ("#e69f00", "#f3d28a", "#a9d3ee", "#4a9ad6")
"""Gates in between, from nearly closed to nearly open."""

SCORE, SCORE_AXIS = ".3f", "~g"  # an axis of a narrow range needs its digits


SMALLEST_RANGE = 0.1
"""Ten points: on a thousand rows two runs may differ by two for no reason at all."""


def percent_axis(title: str | None, **options) -> alt.Axis:
    """An axis of fractions, labelled in percent."""
    return alt.Axis(title=title, format="~%", **options)


def fixed(values: dict[str, str], names: Sequence[str]) -> alt.Scale:
    """A scale that gives each name its own colour or shape, whatever else is on the chart."""
    return alt.Scale(
        domain=list(names), range=[values.get(name, next(iter(values.values()))) for name in names]
    )


def rule(y: float, label: str, width: float = 1.5, side: str = "left") -> alt.LayerChart:
    """A quiet dashed line over the whole width, with its name at one end.

    Args:
        y: Where.
        label: Its name.
        width: In pixels; 0 leaves only the name.
        side: The end that the name stands at: left or right.
    """
    data = alt.Data(values=[{"y": y, "label": label}])
    base = alt.Chart(data).encode(y="y:Q")
    line = base.mark_rule(color=GRAY, strokeDash=[4, 4], strokeWidth=width, opacity=min(width, 1))
    at_left = side == "left"
    text = base.mark_text(
        align=side, baseline="bottom", dx=4 if at_left else -4, dy=-3, color=GRAY, fontSize=12
    ).encode(text="label:N", x=alt.value(0 if at_left else "width"))
    return line + text


def upright(x: float, label: str) -> alt.LayerChart:
    """A quiet dashed line over the whole height, with its name at the top."""
    base = alt.Chart(alt.Data(values=[{"x": x, "label": label}])).encode(x="x:Q")
    line = base.mark_rule(color=GRAY, strokeDash=[4, 4], strokeWidth=1.5)
    text = base.mark_text(align="right", baseline="top", dx=-4, color=GRAY, fontSize=12).encode(
        text="label:N", y=alt.value(0)
    )
    return line + text


def spread(low: float, high: float, margin: float = 0.08) -> tuple[float, float]:
    """A range of scores a little wider than its data, and never so narrow that noise fills it."""
    gap, middle = max(high - low, SMALLEST_RANGE), (low + high) / 2
    half = gap * (0.5 + margin)
    return middle - half, middle + half
