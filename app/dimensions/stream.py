"""Dimensions of the residual stream on the Dimensions page."""

import streamlit as st

from app.charts.maps import GateMap, gate_map
from app.charts.stream import by_layers, keeping_strip
from app.dimensions.map_frames import hidden_map, stream_map
from app.dimensions.maps import is_dark
from app.snapshots.view import GateView
from app.text import in_ranges
from app.widgets.heat_map import heat_map
from app.widgets.plain_code import plain_code
from finegates.gates.stream import READS, WRITES, StreamUse, stream_use
from finegates.gates.units import MATRICES

PLACES = {"reads and writes": READS + WRITES, "reads": READS, "writes": WRITES}
_FEED_FORWARD = {False: ("FFN in", "FFN out"), True: ("FFN gate, FFN up", "FFN down")}
"""In a decoder or not: what reads the stream, and what writes to it."""
LIST_HEIGHT = 120
OF_A_LAYER = (MATRICES, "reads", "writes", "sublayers")
"""Units whose gates are on the residual stream, and differ from layer to layer."""


def draw_stream(gates: GateView) -> None:
    """Which hidden dimensions every layer keeps, and which none keeps; of the model, and by layer.

    Where nothing but gates of the whole stream is on it, every layer keeps the same.
    """
    hidden = hidden_map(gates)
    if hidden is not None:
        _draw_hidden(hidden)
        if not {*OF_A_LAYER} & {*gates.layout.units}:
            return
    means = _means(gates.layout.is_decoder)
    chosen = st.segmented_control(
        "Of", list(PLACES), default="reads and writes", key="stream", bind="query-params",
        required=True, help="  \n".join(f"**{name}**: {what}" for name, what in means.items()),
    )  # fmt: skip
    use = stream_use(gates.layout, gates.kept_dimensions, PLACES[chosen])
    if use is None:
        st.info("This run has no gates on these sides.", icon=":material/grid_off:")
        return
    st.caption(
        f"Hidden dimensions, as the {means[chosen]} have them. A layer keeps one if at least one "
        "of these matrices does."
        + (" One that none keeps still runs through the residual sum." if hidden is None else "")
    )
    _draw_numbers(use)
    _draw_charts(use)
    _draw_lists(use)


def _means(decoder: bool) -> dict[str, str]:
    """What each of `PLACES` is."""
    reader, writer = _FEED_FORWARD[decoder]
    reads, writes = f"columns of Q, K, V and {reader}", f"rows of attention output and {writer}"
    return {"reads and writes": f"{reads}, {writes}", "reads": reads, "writes": writes}


def _draw_hidden(hidden: GateMap) -> None:
    """The strip of a model whose dimensions have gates, with their numbers."""
    is_open = hidden.cells[0] > 0
    with st.container(border=True):
        st.markdown(
            f"**Dimensions of the whole model** · {is_open.sum():,} of {is_open.size:,} open"
        )
        heat_map(
            gate_map(hidden, "value", True, is_dark()), key="hidden",
            alt=f"Gate of each hidden dimension; {is_open.sum()} of {is_open.size} are open",
        )  # fmt: skip
        st.caption(
            "One gate for each hidden dimension, the same in all layers. A closed one (grey) is "
            "gone from embeddings, norms and every matrix, and norms run over the others alone."
        )
    for place, (title, found) in zip(
        st.columns(2, border=True), (("Open", is_open), ("Closed", ~is_open)), strict=True
    ):
        with place:
            st.markdown(f"**{title}** · {found.sum():,}", help="Counted from 0.")
            plain_code(in_ranges(found.nonzero()[0]), f"hidden-{title}", height=LIST_HEIGHT)


def _draw_numbers(use: StreamUse) -> None:
    width, layers = use.num_dimensions, len(use.layers)
    numbers = (
        ("Kept by every matrix", use.every_matrix, use.chance_matrix,
         f"each of the {use.matrices.sum()} matrices"),
        ("Kept by every layer", use.every_layer, use.chance_every,
         f"at least one matrix of each of the {layers} layers"),
        ("Kept by none", use.none, use.chance_none, "no matrix of any layer"),
    )  # fmt: skip
    with st.container(horizontal=True):
        for label, found, chance, what in numbers:
            st.metric(
                label, f"{len(found):,} of {width:,}",
                f"by chance {chance:,.1f}",
                delta_color="off", delta_arrow="off", border=True,
                help=f"Hidden dimensions that {what} keeps. By chance: what there would be on "
                "average if each matrix kept as many as it does, drawn at random.",
            )  # fmt: skip


def _draw_charts(use: StreamUse) -> None:
    layers = len(use.layers)
    with st.container(border=True):
        st.markdown("**Layers that keep each dimension**")
        heat_map(
            keeping_strip(use.num_layers_keeping, layers, is_dark()), key="strip",
            alt="For each hidden dimension the number of layers that keep it",
        )  # fmt: skip
        st.caption(
            "Orange: kept by none. Blue: by some, the more the stronger. What "
            "every layer keeps stands out."
        )
    with st.container(border=True):
        st.markdown("**Matrices of each layer that keep it**")
        heat_map(
            gate_map(stream_map(use), "share", True, is_dark()), key="map-stream",
            alt="For each layer and hidden dimension the share of matrices",
        )  # fmt: skip
        st.caption(
            "A row for each layer, a column for each hidden dimension. Grey is kept by none of the "
            "layer's matrices; what all of them keep stands out. Columns that stay strong are "
            "used everywhere."
        )


def _draw_lists(use: StreamUse) -> None:
    left, right = st.columns(2, border=True)
    with left:
        st.markdown("**How many layers keep a dimension**")
        st.altair_chart(
            by_layers(use.num_layers_keeping, len(use.layers), is_dark()), key="by_layers",
            alt="Number of hidden dimensions by the number of layers that keep them",
        )  # fmt: skip
        st.caption("Each bar counts dimensions; the first is kept by none, the last by all.")
    with right:
        for title, found in (
            ("every matrix", use.every_matrix),
            ("every layer", use.every_layer),
            ("none", use.none),
        ):
            st.markdown(f"**Kept by {title}** · {len(found):,}", help="Counted from 0.")
            plain_code(in_ranges(found), f"kept-by-{title}", height=LIST_HEIGHT)
