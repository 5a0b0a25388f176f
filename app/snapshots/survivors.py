"""How much of each matrix is left: bars, removed weights, and the numbers."""

import pandas as pd
import streamlit as st

from app.charts import layers
from app.charts.survivors import EXPLANATIONS, survivor_bars
from app.snapshots.frames import removed_frame, survivors
from app.snapshots.view import GateView
from app.words import SIDE_NAMES, layer_name

TITLES = {
    "in": "Columns that survive",
    "out": "Rows that survive",
    "whole": "Structures that survive",
    "attention": "What survives of attention",
    "ffn": "What survives of the feed-forward",
}


def draw_survivor_view(gates: GateView) -> None:
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
        _draw_table(frame)


def _draw_table(frame: pd.DataFrame) -> None:
    """A line for each gate vector, a column for each layer.

    Args:
        frame: From `app.snapshots.frames.survivors`.
    """
    st.markdown(
        "**Open gates**",
        help="How many columns (in) and rows (out) of each matrix, or how many structures, are "
        "left in each layer; first how many there were.",
    )
    named = frame.assign(
        vector=[
            f"{matrix}, {SIDE_NAMES[side]}"
            for matrix, side in zip(frame["matrix"], frame["side"], strict=True)
        ]
    )
    order = list(dict.fromkeys(named["vector"]))
    wide = named.pivot(index="vector", columns="layer", values="open").loc[order]
    wide.columns = [layer_name(int(layer)) for layer in wide.columns]
    wide.insert(0, "of", named.groupby("vector")["gates"].max())
    numbers = st.column_config.NumberColumn
    config = {column: numbers(column, format="localized") for column in wide.columns}
    st.dataframe(
        wide, column_config={"vector": "Matrix", **config}, row_height=30, height="content",
        alt="Open gates of each gate vector",
    )  # fmt: skip
