"""Layer by layer: how much of it is closed over the training, and which weights that removes."""

import altair as alt
import pandas as pd

from app.words import ROLE_NAMES

ROW_HEIGHT = 24


def closing(frame: pd.DataFrame, total_steps: int) -> alt.Chart:
    """Layer by step: how much of each layer is closed.

    Args:
        frame: From `app.gate_frames.closing`.
        total_steps: Of the whole training, where the x axis ends.
    """
    layers = sorted(frame["layer"].unique())
    return (
        alt.Chart(frame)
        .mark_rect()
        .encode(
            x=alt.X(
                "start:Q",
                axis=alt.Axis(title="Step", grid=False, tickMinStep=1, tickCount=8),
                scale=alt.Scale(nice=False, domain=[0, max(total_steps, 1)]),
            ),
            x2="end:Q",
            y=alt.Y("layer:O", sort=layers, axis=alt.Axis(title="Layer", labelFlush=False)),
            color=alt.Color(
                "closed:Q",
                scale=alt.Scale(domain=[0, max(0.05, float(frame["closed"].max()))]),
                legend=alt.Legend(title="Gates closed", format="~%"),
            ),
            tooltip=[
                alt.Tooltip("layer:O", title="Layer"),
                alt.Tooltip("step:Q", title="Step"),
                alt.Tooltip("closed:Q", title="Gates closed", format=".1%"),
                alt.Tooltip("gates:Q", title="Closed gates", format=","),
            ],
        )
        .properties(height=ROW_HEIGHT * len(layers) + 60)
    )


def removed_by_matrix(frame: pd.DataFrame, dark: bool) -> alt.LayerChart:
    """Layer by matrix: the fraction of its weights that is removed, written into each cell.

    Args:
        frame: From `app.gate_frames.removed_frame`.
        dark: Whether the page is dark, for the colour of the numbers.
    """
    names = [name for role, name in ROLE_NAMES.items() if role in set(frame["role"])]
    layers = sorted(frame["layer"].unique())
    base = alt.Chart(frame).encode(
        x=alt.X(
            "matrix:N",
            sort=names,
            axis=alt.Axis(title=None, labelAngle=0, orient="top", labelFlush=False, ticks=False),
        ),
        y=alt.Y("layer:O", sort=layers, axis=alt.Axis(title="Layer", labelFlush=False)),
    )
    cells = base.mark_rect(cornerRadius=2).encode(
        color=alt.Color("removed:Q", scale=alt.Scale(domain=[0, 1]), legend=None),
        tooltip=[
            alt.Tooltip("layer:O", title="Layer"),
            alt.Tooltip("matrix:N", title="Matrix"),
            alt.Tooltip("removed:Q", title="Weights removed", format=".1%"),
            alt.Tooltip("weights:Q", title="Weights in all", format=","),
        ],
    )
    low, high = ("#e6eaf0", "#12161c") if dark else ("#1b2430", "#ffffff")
    numbers = base.mark_text(fontSize=12).encode(
        text=alt.Text("removed:Q", format=".0%"),
        color=alt.condition("datum.removed > 0.5", alt.value(high), alt.value(low)),
    )
    return (cells + numbers).properties(height=ROW_HEIGHT * len(layers) + 60)


EXPLANATIONS = {
    "closing": "A row for each layer; a cell gets stronger as more of the layer's gates are "
    "closed. A step of all layers at once is the rounding to the target.",
    "removed": "The share of each matrix's weights in rows and columns whose gate is closed.",
}
