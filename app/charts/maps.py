"""Layer-by-dimension maps of gate values, for settled data: Plotly redraws on new data."""

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

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


@dataclass(frozen=True)
class GateMap:
    """Gate values of all layers at one place of the model.

    Attributes:
        title: What the dimensions are.
        layers: Layer numbers, shape ``(num_layers,)``.
        percent: Gate values in percent, 0 only where closed, uint8 of shape
            ``(num_layers, num_dimensions)``.
        heads: Start and end of each head's dimensions; empty where there are none.
    """

    title: str
    layers: tuple[int, ...]
    percent: np.ndarray
    heads: tuple[tuple[int, int], ...] = ()


def gate_map(gates: GateMap, two_colors: bool, alone: bool, line: str) -> go.Figure:
    """A row for each layer, a column for each dimension, heads marked off and numbered.

    Args:
        gates: What to draw.
        two_colors: Open or closed only, instead of the value.
        alone: Taller, and with a colour bar.
        line: Colour of the lines between heads.
    """
    dimensions = gates.percent.shape[1]
    values = (gates.percent > 0).astype(np.uint8) * 100 if two_colors else gates.percent
    hover = "layer %{y}, dimension %{x}<br>gate value %{z} %"
    heads = None
    if gates.heads:
        row = np.zeros(dimensions, dtype=np.uint8)
        for head, (start, end) in enumerate(gates.heads):
            row[start:end] = head
        heads = np.broadcast_to(row, gates.percent.shape)
        hover = "layer %{y}, head %{customdata}, dimension %{x}<br>gate value %{z} %"
    if two_colors:
        hover = hover.replace("<br>gate value %{z} %", "<br>%{z} % (0: closed, 100: open)")
    heatmap = go.Heatmap(
        z=values,
        y=[str(layer) for layer in gates.layers],
        customdata=heads,
        zmin=0,
        zmax=100,
        ygap=1,
        colorscale=TWO_COLORS if two_colors else COLOR_SCALE,
        showscale=alone and not two_colors,
        colorbar=dict(
            title=None, thickness=10, len=1.15, tickvals=[1, 50, 100], ticktext=["0.01", "0.5", "1"]
        ),
        hovertemplate=hover + "<extra></extra>",
    )
    figure = go.Figure(heatmap)
    row_height = TALL_ROW_HEIGHT if alone and len(gates.layers) <= FEW_LAYERS else ROW_HEIGHT
    figure.update_layout(
        height=row_height * len(gates.layers) + MARGIN["t"] + MARGIN["b"] + 10,
        margin=MARGIN,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        shapes=[_line(end, line) for _, end in gates.heads[:-1]],
        annotations=[_number(head, *bounds) for head, bounds in enumerate(gates.heads)],
    )
    figure.update_xaxes(title=dict(text="Dimension", standoff=4), showgrid=False, zeroline=False)
    figure.update_yaxes(
        title="Layer", autorange="reversed", showgrid=False, type="category", zeroline=False
    )
    return figure


def _line(end: int, color: str) -> dict:
    place = dict(type="line", x0=end - 0.5, x1=end - 0.5, y0=0, y1=1, yref="paper")
    return place | dict(line=dict(color=color, width=1))


def _number(head: int, start: int, end: int) -> dict:
    text = f"head {head}" if head == 0 else str(head)
    return dict(
        text=text, x=(start + end - 1) / 2, y=1, yref="paper", yanchor="bottom", showarrow=False,
        font=dict(size=10, color=style.GRAY),
    )  # fmt: skip
