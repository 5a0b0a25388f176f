"""How much the loss is smoothed: one choice, on every page that draws it."""

import streamlit as st

SMOOTHING, SMOOTHINGS = 8, [2**power for power in range(11)]


def choose_smoothing() -> int:
    """Log lines that the loss is smoothed over."""
    return st.select_slider(
        "Smoothing of the loss (log lines)", SMOOTHINGS, SMOOTHING, key="smoothing",
        bind="query-params", width=300,
        help="Span s of an exponential moving average: each log line moves it by 2/(s+1). It is "
        "corrected for its start, so it does not begin at 0. 1 smooths nothing.",
    )  # fmt: skip
