"""Open gates of each layer and matrix as a table."""

import pandas as pd
import streamlit as st

from app.words import ROLE_NAMES


def draw_survivors(frame: pd.DataFrame) -> None:
    """A line for each gate vector, a column for each layer.

    Args:
        frame: From `app.snapshots.frames.survivors`.
    """
    st.markdown(
        "**Open gates**",
        help="How many columns (in) and rows (out) of each matrix are left in each layer; first "
        "how many there were.",
    )
    sides = {"in": "columns", "out": "rows"}
    named = frame.assign(
        vector=[
            f"{ROLE_NAMES[r]}, {sides[s]}"
            for r, s in zip(frame["role"], frame["side"], strict=True)
        ]
    )
    order = list(dict.fromkeys(named["vector"]))
    wide = named.pivot(index="vector", columns="layer", values="open").loc[order]
    wide.columns = [str(layer) for layer in wide.columns]
    wide.insert(0, "of", named.groupby("vector")["gates"].max())
    numbers = st.column_config.NumberColumn
    config = {c: numbers(c if c == "of" else f"L{c}", format="localized") for c in wide.columns}
    st.dataframe(
        wide, column_config={"vector": "Matrix", **config}, row_height=30, height="content",
        alt="Open gates of each gate vector",
    )  # fmt: skip
