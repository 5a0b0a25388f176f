"""Maps of layer by dimension on the Dimensions page."""

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from app.charts.maps import GateMap
from app.charts.maps import gate_map as draw
from app.dimensions.heads import chosen_head, draw_heads
from app.dimensions.map_frames import (
    AS_IN_MODEL,
    ORDERS,
    PARTS,
    SIDE_NAMES,
    agreement_map,
    difference_map,
    gate_map,
    meaning,
)
from app.snapshots.view import GateView
from app.widgets.heat_map import heat_map
from app.words import percent
from finegates.gates.layout import GateLayout

ALL_PARTS = "all"
COLORS = {"value": "value", "open / closed": "two"}

_ZOOM = "Drag to zoom, double-click to go back."
HOW_TO_READ = (
    "A row for each layer, a column for each dimension. Grey is closed and removed, orange nearly "
    f"closed, blue fully open. Lines mark off heads. {_ZOOM}"
)
HOW_TO_READ_SHARES = (
    "A row for each layer, a column for each dimension; the more runs keep it, the stronger. Grey "
    f"is kept by none; what all keep stands out. {_ZOOM}"
)
HOW_TO_READ_DIFFERENCE = (
    "A row for each layer, a column for each dimension. Orange is kept only by A, green only by B, "
    f"faint blue by both; grey by neither. {_ZOOM}"
)


def draw_maps(gates: GateView, wavelengths: np.ndarray | None) -> None:
    """The gates of one run: a map of its heads, then every dimension.

    Args:
        gates: At the chosen step.
        wavelengths: Of rotary pairs, where they are known.
    """
    draw_heads(gates)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        part, side, order = _choose_place()
        color = st.segmented_control(
            "Colour by", list(COLORS), default="value", key="color", bind="query-params",
            required=True,
            help="The gate's value in evaluation, from 0 to 1, or only whether it is open.",
        )  # fmt: skip
    st.caption(HOW_TO_READ)
    _draw(
        gates.layout, part, side, order, COLORS[color],
        lambda one: gate_map(gates, one, side, wavelengths), "open",
    )  # fmt: skip


def draw_agreement(shown: Sequence[GateView]) -> None:
    """In how many runs each dimension survives."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        part, side, order = _choose_place()
    st.caption(HOW_TO_READ_SHARES)
    what = "kept by one or more"
    layout = shown[0].layout
    _draw(layout, part, side, order, "share", lambda one: agreement_map(shown, one, side), what)


def draw_differences(first: GateView, second: GateView, words: Sequence[str]) -> None:
    """Which of two keeps each dimension.

    Args:
        first: The one, A.
        second: The other, B.
        words: What is kept by neither, only A, only B, and both.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        part, side, order = _choose_place()
    st.caption(HOW_TO_READ_DIFFERENCE)
    maps = {one: difference_map(first, second, one, side) for one in PARTS}
    _draw(
        first.layout, part, side, order, "difference", maps.__getitem__, "kept by one or both",
        words,
    )  # fmt: skip


def is_dark() -> bool:
    """Whether the page is dark."""
    return st.context.theme.type == "dark"


def _groups(gates: GateMap) -> str:
    """How many query heads share each head of keys and values, where several do."""
    if gates.served == 1:
        return ""
    return f" · {len(gates.heads)} key-value heads, each of {gates.served} query heads"


def _choose_place() -> tuple[str, str, str]:
    part = st.segmented_control(
        "Part", [ALL_PARTS, *PARTS], default=ALL_PARTS, key="role", bind="query-params",
        required=True, help="  \n".join(f"**{k}**: {name}" for k, name in PARTS.items()),
    )  # fmt: skip
    side = st.segmented_control(
        "Side", list(SIDE_NAMES), default="survives", key="side", bind="query-params",
        required=True, help="  \n".join(f"**{k}**: {name}" for k, name in SIDE_NAMES.items()),
    )  # fmt: skip
    order = st.selectbox(
        "Order", list(ORDERS), key="order", bind="query-params", width=220,
        help="By value, each layer has an order of its own: the row is its profile. By layers, "
        "the same dimension stays below itself.",
    )  # fmt: skip
    return part, side, order


def _draw(
    layout: GateLayout,
    chosen: str,
    side: str,
    order: str,
    color: str,
    make: Callable[[str], GateMap | None],
    what: str,
    words: Sequence[str] = (),
) -> None:
    parts = list(PARTS) if chosen == ALL_PARTS else [chosen]
    alone = len(parts) == 1
    columns = [st.container()] if alone else st.columns(2)
    for place, part in enumerate(parts):
        wide = alone or part == "ffn"
        with st.container() if wide else columns[place % 2], st.container(border=True):
            gates = make(part)
            if gates is None:
                st.caption(f"**{PARTS[part]}**: this run has no gates on that side.")
                continue
            share = percent(float((gates.cells > 0).mean()))
            st.markdown(
                f"**{PARTS[part]}** · {share} {what}{_groups(gates)}",
                help=meaning(layout, part, side),
            )
            head = chosen_head() if order == AS_IN_MODEL else None
            heat_map(
                draw(ORDERS[order](gates), color, wide, is_dark(), head, words),
                key=f"map-{part}",
                alt=f"Gates of {PARTS[part]} by layer and dimension, {share} {what}",
            )
