"""How much the loss is smoothed: one choice, on every page that draws it."""

import streamlit as st

SMOOTHING, SMOOTHINGS = 8, [2**power for power in range(11)]


def choose_smoothing() -> int:
    """Log lines that the loss is smoothed over."""
    return st.select_slider(
        "Smoothing of the loss (log lines)", SMOOTHINGS, SMOOTHING, key="smoothing",
        bind="query-params", width=300,
        help="Span s of a mean over the lines before and after each: weights fall by 1 - 2/(s+1) "
        "from line to line, so it lags behind nothing. The newest values still move as lines "
        "come. 1 smooths nothing.",
    )  # fmt: skip
