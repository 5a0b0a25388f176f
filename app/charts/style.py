"""Colours and small helpers that all charts share.

The palette is Okabe and Ito's, made for colour-blind readers, its blue a little lighter so that it
reads on a dark page too. Backgrounds stay transparent; text and grid come from the page's theme.
"""

from collections.abc import Sequence

import altair as alt

BLUE, ORANGE, GREEN, PINK = "#2b7fc0", "#e69f00", "#009e73", "#cc79a7"
RED, SKY, GRAY = "#d55e00", "#56b4e9", "#808890"

HEXAGON = "M0.9,0.5L0,1L-0.9,0.5L-0.9,-0.5L0,-1L0.9,-0.5Z"
STAR = (
    "M0,-0.8L0.18,-0.25L0.76,-0.25L0.29,0.1L0.47,0.65L0,0.3L-0.47,0.65L-0.29,0.1L-0.76,-0.25"
    "L-0.18,-0.25Z"
)

METHOD_LOOKS = {
    "finegates": (BLUE, "circle"),
    "finegates-attention": ("#5e9fd8", "triangle-left"),
    "finegates-one-vector": ("#3d6ea5", "square"),
    "finegates+lora": (ORANGE, "diamond"),
    "finegates+lora-outside": ("#b9770e", "triangle-right"),
    "finegates+lora-attention": ("#c9a227", "triangle-left"),
    "finegates+lora-one-vector": ("#94651a", "square"),
    "finegates-hinge": ("#e08ac0", "triangle-up"),
    "finegates-official": ("#00a88a", "square"),
    "magnitude": ("#9a6a50", "cross"),
    "magnitude-full": ("#d23c1e", "triangle-down"),
    "full": ("#6b7685", HEXAGON),
    "lora": ("#a044e8", STAR),
    "lora-fa": ("#7d63d8", "triangle-up"),
    "lora-xs": ("#b673d9", "triangle-down"),
    "vera": ("#8f4bab", "cross"),
    "sparta": ("#7f8a1e", "diamond"),
    "compacter": ("#2f8f9d", "triangle-right"),
    "compacter++": ("#45a0c0", "circle"),
}
"""Colour and shape of each method, the same on every page. Those of `MAIN_METHODS` differ in both
and stay apart in simulated protanopia, deuteranopia and tritanopia; a variant has a tone of its
family's colour and another shape."""
MAIN_METHODS = (
    "finegates", "finegates+lora", "finegates-hinge", "finegates-official", "magnitude",
    "magnitude-full", "full", "lora",
)  # fmt: skip

METHOD_COLORS = {name: color for name, (color, _) in METHOD_LOOKS.items()}
METHOD_SHAPES = {name: shape for name, (_, shape) in METHOD_LOOKS.items()}

CLOSED_COLOR, OPEN_COLOR = GRAY, BLUE
BETWEEN_COLORS = ("#e69f00", "#f3d28a", "#a9d3ee", "#4a9ad6")
"""Gates in between, from nearly closed to nearly open."""

SCORE, SCORE_AXIS = ".3f", "~g"  # an axis of a narrow range needs its digits


SMALLEST_RANGE = 0.1
"""Ten points: on a thousand rows two runs may differ by two for no reason at all."""


def percent_axis(title: str | None, **options) -> alt.Axis:
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


def in_order(methods: Sequence[str]) -> list[str]:
    """Methods in the order that legends, tables and lists have; unknown ones last."""
    known = list(METHOD_LOOKS)
    return sorted({*methods}, key=lambda m: (known.index(m) if m in known else len(known), m))


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
