"""Dimensions of the residual stream: how many layers keep each of them."""

import altair as alt
import numpy as np
import pandas as pd

from app.charts import style
from app.charts.maps import SOME_AND_ALL, Spec, strip

STRIP_HEIGHT, HEIGHT = 46, 200
NONE = "#d55e00"
"""Stands out as much as every: both are what the strip is for."""


def keeping_strip(num_layers_keeping: np.ndarray, num_layers: int, dark: bool) -> Spec:
    """One cell for each dimension: orange if no layer keeps it, the strongest blue if all do.

    Args:
        num_layers_keeping: Shape ``(num_dimensions,)``.
        num_layers: Where the scale ends.
        dark: Whether the page is dark.
    """
    few, most, every = SOME_AND_ALL[dark]
    between = {1: few, max(num_layers - 1, 1): most}
    colors = [*({0: NONE} | between | {num_layers: every}).items()]
    return strip(num_layers_keeping, num_layers, colors, STRIP_HEIGHT)


def by_layers(num_layers_keeping: np.ndarray, num_layers: int, dark: bool) -> alt.Chart:
    """How many dimensions are kept by 0, 1, ... all layers.

    Args:
        num_layers_keeping: Shape ``(num_dimensions,)``.
        num_layers: Where the axis ends.
        dark: Whether the page is dark.
    """
    counts = np.bincount(num_layers_keeping, minlength=num_layers + 1)
    colors = [NONE, *[style.SKY] * (num_layers - 1), SOME_AND_ALL[dark][-1]]
    frame = pd.DataFrame({"layers": range(num_layers + 1), "dimensions": counts, "color": colors})
    return (
        alt.Chart(frame)
        .mark_bar(cornerRadiusEnd=2)
        .encode(
            x=alt.X("layers:O", axis=alt.Axis(title="Layers that keep it", labelAngle=0)),
            y=alt.Y("dimensions:Q", axis=alt.Axis(title="Dimensions", tickMinStep=1, tickCount=5)),
            color=alt.Color("color:N", scale=None),
            tooltip=[
                alt.Tooltip("layers:O", title="Layers that keep it"),
                alt.Tooltip("dimensions:Q", title="Dimensions", format=","),
            ],
        )
        .properties(height=HEIGHT)
    )
