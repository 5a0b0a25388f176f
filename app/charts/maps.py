"""Layer-by-dimension maps of gate values, for settled data: Plotly redraws on new data.

A figure is a plain dictionary: checking each part of a `plotly.graph_objects.Figure` while it is
put together takes ten times as long as all the rest, and a slider waits for it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from app.charts import style

ROW_HEIGHT, TALL_ROW_HEIGHT = 17, 30
FEW_LAYERS = 12
MARGIN = dict(l=52, r=8, t=20, b=42)
CLOSED = "rgba(128,136,144,0.30)"
COLOR_SCALE = [
    [0.0, CLOSED],
    [0.005, CLOSED],
    [0.005, "#d55e00"],
    [0.15, "#e69f00"],
    [0.5, "#a9d3ee"],
    [1.0, "#1a6aab"],
]
TWO_COLORS = [[0.0, CLOSED], [0.5, CLOSED], [0.5, "#1a6aab"], [1.0, "#1a6aab"]]
SOME_AND_ALL = {
    False: ("#d7e6f3", "#5b9fd0", "#0a4f84"),
    True: ("#1d3b55", "#2f78b0", "#d3e9fa"),
}
"""Dark or not -> colours of a few, of nearly all, and of all, which stands out on either page."""

_HOVERS = {
    "value": "gate value %{z} %",
    "two": "%{z} % (0: closed, 100: open)",
    "share": "kept by %{z} %",
}
_TICKS = {"value": ([1, 50, 100], ["0.01", "0.5", "1"]), "share": ([0, 50, 100], ["0", "½", "all"])}

Figure = dict[str, Any]
"""What Plotly draws, ``data`` and ``layout``, or a part of it."""


@dataclass(frozen=True)
class GateMap:
    """Gate values of all layers at one place of the model.

    Attributes:
        title: What the dimensions are.
        layers: Layer numbers, shape ``(num_layers,)``.
        percent: Gate values in percent, 0 only where closed, uint8 of shape
            ``(num_layers, num_dimensions)``; or shares in percent, 100 only where it is all.
        heads: Start and end of each head's dimensions; empty where there are none.
    """

    title: str
    layers: tuple[int, ...]
    percent: np.ndarray
    heads: tuple[tuple[int, int], ...] = ()


def share_scale(dark: bool) -> list[list]:
    """Colours of shares of runs or matrices, from 0 to 1: none, some, all."""
    few, most, every = SOME_AND_ALL[dark]
    return [[0.0, CLOSED], [0.005, CLOSED], [0.005, few], [0.999, most], [1.0, every]]


def gate_map(gates: GateMap, color: str, alone: bool, line: str, dark: bool) -> Figure:
    """A row for each layer, a column for each dimension, heads marked off and numbered.

    Args:
        gates: What to draw.
        color: ``value``, ``two`` (open or closed only) or ``share`` (of runs or matrices).
        alone: Taller, and with a colour bar.
        line: Colour of the lines between heads.
        dark: Whether the page is dark.
    """
    two = color == "two"
    values = (gates.percent > 0).astype(np.uint8) * 100 if two else gates.percent
    num_layers, dimensions = values.shape
    places = np.arange(num_layers)
    scales = {"value": COLOR_SCALE, "two": TWO_COLORS, "share": share_scale(dark)}
    head = "head %{customdata}, " if gates.heads else ""
    heatmap: dict[str, Any] = dict(
        type="heatmap",
        z=values,
        y=places,
        customdata=_head_numbers(gates, values.shape),
        zmin=0,
        zmax=100,
        ygap=1,
        colorscale=scales[color],
        showscale=alone and not two,
        hovertemplate=f"layer %{{y}}, {head}dimension %{{x}}<br>{_HOVERS[color]}<extra></extra>",
    )
    if heatmap["showscale"]:
        at, names = _TICKS[color]
        heatmap["colorbar"] = dict(thickness=10, len=1.15, tickvals=at, ticktext=names)
    row_height = TALL_ROW_HEIGHT if alone and num_layers <= FEW_LAYERS else ROW_HEIGHT
    y_axis = dict(title=dict(text="Layer"), range=[num_layers - 0.5, -0.5], tickvals=places)
    figure = bare_figure(
        [heatmap, *_head_marks(gates, num_layers, line)],
        height=row_height * num_layers + MARGIN["t"] + MARGIN["b"] + 10,
        x=dict(title=dict(text="Dimension", standoff=4), range=[-0.5, dimensions - 0.5]),
        y=y_axis | dict(ticktext=[str(layer) for layer in gates.layers]),
    )
    return figure


def bare_figure(data: list[Figure], height: int, x: Figure, y: Figure) -> Figure:
    """Traces on a transparent ground, without grid, legend and zero lines."""
    plain = dict(showgrid=False, zeroline=False)
    return dict(
        data=data,
        layout=dict(
            height=height,
            margin=MARGIN,
            showlegend=False,
            paper_bgcolor="rgba(0,0,0,0)",
            plot_bgcolor="rgba(0,0,0,0)",
            xaxis=x | plain,
            yaxis=y | plain,
        ),
    )


def _head_numbers(gates: GateMap, shape: tuple[int, ...]) -> np.ndarray | None:
    """For each cell the number of its head, for the hover."""
    if not gates.heads:
        return None
    row = np.zeros(shape[1], dtype=np.uint8)
    for head, (start, end) in enumerate(gates.heads):
        row[start:end] = head
    return np.broadcast_to(row, shape)


def _head_marks(gates: GateMap, num_layers: int, color: str) -> list[Figure]:
    """All lines between heads as one trace, and all numbers above them as another."""
    if not gates.heads:
        return []
    ends = [end - 0.5 for _, end in gates.heads[:-1]]
    lines = dict(
        type="scatter", mode="lines", hoverinfo="skip", line=dict(color=color, width=1),
        x=[x for end in ends for x in (end, end, None)],
        y=[y for _ in ends for y in (-0.5, num_layers - 0.5, None)],
    )  # fmt: skip
    numbers = dict(
        type="scatter", mode="text", hoverinfo="skip", cliponaxis=False,
        x=[(start + end - 1) / 2 for start, end in gates.heads], y=[-0.5] * len(gates.heads),
        text=["head 0", *(str(head) for head in range(1, len(gates.heads)))],
        textposition="top center", textfont=dict(size=10, color=style.GRAY),
    )  # fmt: skip
    return [lines, numbers]
