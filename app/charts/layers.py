"""Layer by layer: how much of it is closed over the training, and which weights that removes."""

from typing import Any

import altair as alt
import pandas as pd

from app.words import ROLE_NAMES

ROW_HEIGHT = 24
SMALLEST_RANGE = 0.05
"""Where the colours end at the least, as a fraction of a layer's gates."""


def closing(frame: pd.DataFrame, total_steps: int) -> alt.Chart:
    """Layer by step: how much of each layer is closed.

    Args:
        frame: From `app.snapshots.frames.closing`.
        total_steps: Of the whole training, where the x axis ends.
    """
    layers = list(dict.fromkeys(frame["layer"]))
    most = max(SMALLEST_RANGE, float(frame["closed"].max()))
    return (
        alt.Chart(frame)
        .mark_rect()
        .encode(
            x=alt.X(
                "start:Q",
                axis=alt.Axis(title="Step", grid=False, tickMinStep=1, tickCount=8),
                scale=alt.Scale(nice=False, domain=[0, max(total_steps, 1)]),
            ),
            x2=alt.X2("end:Q"),
            y=alt.Y("layer:O", sort=layers, axis=alt.Axis(title="Layer", labelFlush=False)),
            color=alt.Color(
                "closed:Q",
                scale=alt.Scale(domain=[0, most], nice=False),
                legend=alt.Legend(title="Gates closed", format=".1%", values=[0, most / 2, most]),
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


def removed_by_matrix(frame: pd.DataFrame, dark: bool) -> dict[str, Any]:
    """Layer by matrix: the fraction of its weights that is removed, written into each cell.

    A slider waits for it, so it is the Vega-Lite specification itself, as that of
    `app.charts.survivors` is; its data is the frame.

    Args:
        frame: From `app.snapshots.frames.removed_frame`.
        dark: Whether the page is dark, for the colour of the numbers.
    """
    names = [name for role, name in ROLE_NAMES.items() if role in set(frame["role"])]
    layers = sorted(int(layer) for layer in frame["layer"].unique())
    top = {"title": None, "labelAngle": 0, "orient": "top", "labelFlush": False, "ticks": False}
    low, high = ("#e6eaf0", "#12161c") if dark else ("#1b2430", "#ffffff")
    return {
        "height": ROW_HEIGHT * len(layers) + 60,
        "encoding": {
            "x": {"field": "matrix", "type": "nominal", "sort": names, "axis": top},
            "y": {"field": "layer", "type": "ordinal", "sort": layers,
                  "axis": {"title": "Layer", "labelFlush": False}},
        },
        "layer": [_removed_cells(), _removed_numbers(low, high)],
    }  # fmt: skip


def _removed_cells() -> dict[str, Any]:
    fields = (
        ("layer", "ordinal", {"title": "Layer"}),
        ("matrix", "nominal", {"title": "Matrix"}),
        ("removed", "quantitative", {"title": "Weights removed", "format": ".1%"}),
        ("weights", "quantitative", {"title": "Weights in all", "format": ","}),
    )
    return {
        "mark": {"type": "rect", "cornerRadius": 2},
        "encoding": {
            "color": {"field": "removed", "type": "quantitative", "scale": {"domain": [0, 1]},
                      "legend": None},
            "tooltip": [{"field": name, "type": kind, **said} for name, kind, said in fields],
        },
    }  # fmt: skip


def _removed_numbers(low: str, high: str) -> dict[str, Any]:
    """Percentages, in one colour on weak cells and in another on strong ones."""
    color = {"condition": {"test": "datum.removed > 0.5", "value": high}, "value": low}
    text = {"field": "removed", "type": "quantitative", "format": ".0%"}
    return {"mark": {"type": "text", "fontSize": 12}, "encoding": {"text": text, "color": color}}


EXPLANATIONS = {
    "closing": "A row for each layer, and one for gates that all layers share; a cell is stronger "
    "as more of its gates are closed. A step of all layers at once is the rounding to the target.",
    "removed": "The share of each matrix's weights in rows and columns whose gate is closed.",
}
