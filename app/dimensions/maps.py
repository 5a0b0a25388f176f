"""Maps of layer by dimension on the Dimensions page."""

from collections.abc import Callable, Sequence

import streamlit as st

from app.charts.maps import GateMap
from app.charts.maps import gate_map as draw
from app.dimensions.map_frames import PARTS, SIDE_NAMES, agreement_map, gate_map, meaning
from app.snapshots.view import GateView
from app.words import percent

ALL_PARTS = "all"
COLORS = {"value": "value", "open / closed": "two"}

HOW_TO_READ = (
    "A row for each layer, a column for each dimension. Grey is closed and removed, orange nearly "
    "closed, blue fully open. Lines mark off heads. Drag to zoom, double-click to go back."
)
HOW_TO_READ_SHARES = (
    "A row for each layer, a column for each dimension; the more runs keep it, the stronger. Grey "
    "is kept by none; what all keep stands out. Drag to zoom, double-click to go back."
)


def draw_maps(gates: GateView) -> None:
    """The gates of one run."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        part, side = _choose_place()
        color = st.segmented_control(
            "Colour by", list(COLORS), default="value", key="color", bind="query-params",
            required=True,
            help="The gate's value in evaluation, from 0 to 1, or only whether it is open.",
        )  # fmt: skip
    st.caption(HOW_TO_READ)
    _draw(part, side, COLORS[color], lambda one: gate_map(gates, one, side), "open")


def draw_agreement(shown: Sequence[GateView]) -> None:
    """In how many runs each dimension survives."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        part, side = _choose_place()
    st.caption(HOW_TO_READ_SHARES)
    _draw(part, side, "share", lambda one: agreement_map(shown, one, side), "kept by one or more")


def theme() -> tuple[str, bool]:
    """Colour of lines in Plotly's charts, as the page's text; and whether the page is dark."""
    dark = st.context.theme.type == "dark"
    return st.get_option(f"theme.{'dark' if dark else 'light'}.textColor"), dark


def _choose_place() -> tuple[str, str]:
    part = st.segmented_control(
        "Part", [ALL_PARTS, *PARTS], default=ALL_PARTS, key="role", bind="query-params",
        required=True, help="  \n".join(f"**{k}**: {name}" for k, name in PARTS.items()),
    )  # fmt: skip
    side = st.segmented_control(
        "Side", list(SIDE_NAMES), default="survives", key="side", bind="query-params",
        required=True, help="  \n".join(f"**{k}**: {name}" for k, name in SIDE_NAMES.items()),
    )  # fmt: skip
    return part, side


def _draw(
    chosen: str, side: str, color: str, make: Callable[[str], GateMap | None], what: str
) -> None:
    parts = list(PARTS) if chosen == ALL_PARTS else [chosen]
    alone = len(parts) == 1
    columns = [st.container()] if alone else st.columns(2)
    for place, part in enumerate(parts):
        wide = alone or part == "ffn"
        with st.container() if wide else columns[place % 2], st.container(border=True):
            _draw_one(part, side, make(part), color, wide, what)


def _draw_one(
    part: str, side: str, gates: GateMap | None, color: str, wide: bool, what: str
) -> None:
    if gates is None:
        st.caption(f"**{PARTS[part]}**: this run has no gates on that side.")
        return
    share = percent(float((gates.percent > 0).mean()))
    st.markdown(f"**{PARTS[part]}** · {share} {what}", help=meaning(part, side))
    st.plotly_chart(
        draw(gates, color, wide, *theme()),
        key=f"map-{part}",
        config={"displayModeBar": False},
        alt=f"Gates of {PARTS[part]} by layer and dimension, {share} {what}",
    )
