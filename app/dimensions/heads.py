"""The map of attention heads on the Dimensions page, and the one head that is looked at."""

import streamlit as st

from app.charts.maps import head_map
from app.snapshots.view import GateView
from app.text import in_ranges
from app.widgets.heat_map import heat_map
from app.words import ROLE_NAMES
from finegates.gates.heads import HeadUse, head_use

HEAD = "head"
LISTED = 12
"""Layers whose dead heads are listed."""

HOW_TO_READ = (
    "The stronger, the more of a head's gates are open (rows of Q, K and V, columns of the "
    "attention output). A cross: the head is dead, none of its values reaches the output. A click "
    "opens the maps below on the head's dimensions and frames its layer."
)


def chosen_head() -> tuple[int, int] | None:
    """Layer and head that the address asks for, as in ``?head=3.5``; None for all."""
    layer, _, head = st.query_params.get(HEAD, "").partition(".")
    return (int(layer), int(head)) if layer.isdecimal() and head.isdecimal() else None


def draw_heads(gates: GateView) -> None:
    """A small map of layers by heads, and in words what is dead; nothing without such gates."""
    use = head_use(gates.layout, gates.kept_dimensions)
    if use is None:
        return
    chosen = chosen_head()
    left, right = st.columns([2, 3], border=True)
    with left:
        st.markdown("**Heads** · share open", help=HOW_TO_READ)
        heat_map(
            head_map(use.layers, use.share, use.dead, st.context.theme.type == "dark", chosen),
            key="heads",
            alt=f"Open share of each head by layer; {use.dead.sum()} of {use.dead.size} are dead",
            on_pick=lambda row, head: _choose(f"{use.layers[row]}.{head}"),
        )
    with right:
        _draw_words(use)
        if chosen is not None and chosen[0] in use.layers and chosen[1] < use.share.shape[1]:
            _draw_one(use, *chosen)
        else:
            st.caption(HOW_TO_READ)


def _choose(head: str) -> None:
    st.query_params[HEAD] = head


def _choose_all() -> None:
    st.query_params.pop(HEAD, None)


def _draw_words(use: HeadUse) -> None:
    dead = use.dead.sum(axis=1)
    st.markdown(f"**Dead heads** · {dead.sum()} of {use.dead.size}")
    lines = [
        f"layer {layer}: {in_ranges(found.nonzero()[0])}"
        for layer, found in zip(use.layers, use.dead, strict=True)
        if found.any()
    ]
    rest = len(lines) - LISTED
    more = f"; and {rest} layer{'s' * (rest != 1)} more" if rest > 0 else ""
    st.markdown("; ".join(lines[:LISTED]) + more if lines else "Every head is left in part.")


def _draw_one(use: HeadUse, layer: int, head: int) -> None:
    row = use.layers.index(layer)
    counts = ", ".join(
        f"{ROLE_NAMES[role]} {use.open[place, row, head]}" for place, role in enumerate(use.roles)
    )
    state = "dead" if use.dead[row, head] else f"{use.share[row, head]:.0%} open"
    st.markdown(
        f"**Layer {layer}, head {head}** · {state}  \nOpen of {use.sizes[0]} dimensions: {counts}."
    )
    st.button(
        "Show all heads", icon=":material/zoom_out_map:", on_click=_choose_all, key="all_heads"
    )
