"""How much of each matrix is left, on the Dimensions page."""

import streamlit as st

from app.charts import layers
from app.charts.survivors import EXPLANATIONS, survivor_bars
from app.snapshots.frames import removed_frame, survivors
from app.snapshots.survivor_table import draw_survivors
from app.snapshots.view import GatesShown

TITLES = {"in": "Columns that survive", "out": "Rows that survive"}


def draw_survivor_view(gates: GatesShown) -> None:
    """Bars of each side, removed weights, and the numbers."""
    frame = survivors(gates)
    for side, title in TITLES.items():
        if len(ours := frame[frame["side"] == side]):
            with st.container(border=True):
                st.markdown(f"**{title}**", help=EXPLANATIONS[side])
                st.vega_lite_chart(
                    ours, survivor_bars({*ours["matrix"]}), key=f"bars-{side}",
                    alt=f"Open share of the {side} gates of each matrix, layer by layer",
                )  # fmt: skip
                st.caption(
                    f"{EXPLANATIONS[side]} A group of bars for each layer, a bar for each matrix; "
                    "a full bar means that nothing is closed."
                )
    left, right = st.columns([2, 3], border=True)
    with left:
        st.markdown("**Weights removed by matrix**", help=layers.EXPLANATIONS["removed"])
        removed = removed_frame(gates)
        st.vega_lite_chart(
            removed, layers.removed_by_matrix(removed, st.context.theme.type == "dark"),
            key="removed", alt="Removed weights of each matrix",
        )  # fmt: skip
        st.caption(layers.EXPLANATIONS["removed"])
    with right:
        draw_survivors(frame)
