"""One gate vector's values over the training, on the Live page."""

import streamlit as st

from app.charts import ridge as chart
from app.live.ridge_frames import ridge, vectors_of
from app.reading.feed import Feed
from app.words import KIND_NAMES

SIDES = "**in**: the columns of the weight matrix, **out**: its rows."


def draw_ridge(feed: Feed) -> None:
    """Choose layer and vector; a row of the ridge for each of some steps."""
    if (histograms := feed.histograms) is None:
        return
    layers = vectors_of(histograms)
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            with st.container(width="stretch"):
                st.markdown("**One gate vector over time**")
            layer = st.selectbox("Layer", list(layers), key="layer", bind="query-params", width=110)
            vectors = layers[layer]
            kinds = dict.fromkeys(vector.split(".")[0] for vector in vectors)
            means = [*(f"**{kind}**: {KIND_NAMES[kind]}" for kind in kinds), SIDES]
            vector = st.selectbox(
                "Gate vector", vectors, key="vector", bind="query-params", width=190,
                help="  \n".join(means),
            )  # fmt: skip
        frame = ridge(histograms, layer, vector)
        st.altair_chart(
            chart.over_time(frame), key="ridge",
            alt=f"Values of the gates {vector} of layer {layer} over the steps",
        )  # fmt: skip
        st.caption(chart.how_to_read(frame))
