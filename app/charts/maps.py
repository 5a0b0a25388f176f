"""Maps of many cells, such as layer by dimension, as `app.widgets.heat_map` takes them.

A map is plain data: its cells as base64 of one byte each, colours of the values 0 to 100, and
words.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from app.charts import style
from finegates.gates.layout import layer_word

ROW_HEIGHT, TALL_ROW_HEIGHT = 17, 30
FEW_LAYERS, MANY_LAYERS = 12, 24
SMALLEST_ROW, LABELS_APART = 8, 5
"""Of more layers than many, rows are lower, down to so many pixels, and every fifth is named."""
HEAD_CELL = (15, 30)
"""Height and width of a cell in the map of heads, in pixels."""

CLOSED = "#8088904d"
COLORS: tuple[tuple[int, str], ...] = (
    (0, CLOSED), (1, "#d55e00"), (15, "#e69f00"), (50, "#a9d3ee"), (100, "#1a6aab"),
)  # fmt: skip
TWO_COLORS = ((0, CLOSED), (1, "#1a6aab"), (100, "#1a6aab"))
SOME_AND_ALL = {
    False: ("#d7e6f3", "#5b9fd0", "#0a4f84"),
    True: ("#1d3b55", "#2f78b0", "#d3e9fa"),
}
"""Dark or not -> colours of a few, of nearly all, and of all, which stands out on either page."""

DIFFERENCE_COLORS = {False: (CLOSED, style.RED, style.GREEN, "#9db8cf"),
                     True: (CLOSED, "#e8772e", "#1fb98c", "#4d6a85")}  # fmt: skip
"""Dark or not -> colours of what neither, only the one, only the other, and both keep."""

_SAID = {"value": "gate value {} %", "share": "kept by {} %"}
_BARS = {
    "value": {"from": 1, "to": 100, "ticks": [[1, "0.01"], [50, "0.5"], [100, "1"]],
              "ends": ["closed", None]},
    "share": {"from": 1, "to": 99, "ticks": [[50, "half"]], "ends": ["none", "all"]},
}  # fmt: skip

Spec = dict[str, Any]
"""What `app.widgets.heat_map` draws."""


@dataclass(frozen=True)
class GateMap:
    """What is known of every dimension at one place of the model, layer by layer.

    Attributes:
        title: What the dimensions are.
        layers: Layer numbers, shape ``(num_layers,)``; one row may be of all layers.
        cells: uint8 of shape ``(num_layers, num_dimensions)``: gate values in percent, 0 only
            where closed; or shares in percent, 100 only where it is all; or numbers of words.
        heads: Start and end of each head's dimensions; empty where there are none.
        order: Which dimension each cell is, uint16 of shape ``(1, num_dimensions)`` or, where each
            layer has an order of its own, ``(num_layers, num_dimensions)``; None as in the model.
        served: Query heads of each head: several share the keys and values of one.
        word: What a column is.
        notes: What there is to say of each dimension of a head, or of each that is a half of a
            pair, for each kind of layer.
        note_of_row: Which of the notes each layer has.
    """

    title: str
    layers: tuple[int, ...]
    cells: np.ndarray
    heads: tuple[tuple[int, int], ...] = ()
    order: np.ndarray | None = None
    served: int = 1
    word: str = "dimension"
    notes: tuple[tuple[str, ...], ...] = ()
    note_of_row: tuple[int, ...] = ()


def by_value(gates: GateMap) -> GateMap:
    """Each layer's dimensions by what they hold, the highest first."""
    order = np.argsort(-gates.cells.astype(np.int16), axis=1, kind="stable").astype(np.uint16)
    return replace(gates, cells=np.take_along_axis(gates.cells, order, axis=1), order=order)


def by_layers_keeping(gates: GateMap) -> GateMap:
    """The same dimensions below each other, those that most layers keep first."""
    order = np.argsort(-(gates.cells > 0).sum(axis=0), kind="stable").astype(np.uint16)
    return replace(gates, cells=gates.cells[:, order], order=order[None])


def gate_map(
    gates: GateMap,
    color: str,
    alone: bool,
    dark: bool,
    head: tuple[int, int] | None = None,
    words: Sequence[str] = (),
) -> Spec:
    """A row for each layer, a column for each dimension, heads marked off and numbered.

    Args:
        gates: What to draw.
        color: ``value``, ``two`` (open or closed only), ``share`` (of runs or matrices) or
            ``difference``.
        alone: Taller, and with a colour bar.
        dark: Whether the page is dark.
        head: Layer and head to look at, where there are heads: the map opens on its dimensions.
        words: What each of the values means, from 0; without them they are percent.
    """
    colors = {
        "value": COLORS, "two": TWO_COLORS, "share": share_colors(dark),
        "difference": tuple(enumerate(DIFFERENCE_COLORS[dark])),
    }[color]  # fmt: skip
    tall = alone and len(gates.layers) <= FEW_LAYERS
    layers = len(gates.layers)
    spec = _spec(gates.cells, colors, [*map(layer_word, gates.layers)]) | {
        "row_height": TALL_ROW_HEIGHT if tall else _row_height(layers, ROW_HEIGHT),
        "titles": ["Layer", _column_title(gates)],
        "words": ["layer", gates.word],
        "heads": gates.heads,
        "head": "key-value head" if gates.served > 1 else "head",
        "notes": gates.notes,
        "note_of_row": gates.note_of_row,
        "said": list(words) or _SAID.get(color, _SAID["value"]),
        "bar": _BARS.get(color) if alone else None,
    }
    if gates.order is not None:
        spec["order"] = _encoded(gates.order)
    elif head is not None and gates.heads and head[1] < gates.served * len(gates.heads):
        spec["window"] = gates.heads[head[1] // gates.served]
        spec["chosen"] = [gates.layers.index(head[0]), None] if head[0] in gates.layers else None
    return spec


def head_map(
    layers: Sequence[int], share: np.ndarray, dead: np.ndarray, dark: bool,
    chosen: tuple[int, int] | None = None,
) -> Spec:  # fmt: skip
    """A row for each layer, a column for each head; a cross over heads that are dead.

    Args:
        layers: Layer numbers.
        share: The open share of each head's gates, shape ``(num_layers, num_heads)``.
        dead: Which heads have nothing left, of the same shape.
        dark: Whether the page is dark.
        chosen: Layer and head that are looked at.
    """
    percent = np.clip(np.round(100 * share), (share > 0), 100 - (share < 1)).astype(np.uint8)
    spec = _spec(percent, share_colors(dark), [str(layer) for layer in layers]) | {
        "row_height": _row_height(len(layers), HEAD_CELL[0]),
        "cell_width": HEAD_CELL[1],
        "titles": ["Layer", "Head"],
        "words": ["layer", "head"],
        "ordinal": share.shape[1] <= 2 * FEW_LAYERS,
        "said": "{} % of its gates open",
        "bar": _BARS["share"],
        "marked": np.flatnonzero(dead.ravel()).tolist(),
        "marks": "dead: none of its values reaches the output",
    }
    if chosen is not None and chosen[0] in layers and chosen[1] < share.shape[1]:
        spec["chosen"] = [list(layers).index(chosen[0]), chosen[1]]
    return spec


def strip(counts: np.ndarray, most: int, colors: Sequence[tuple[int, str]], height: int) -> Spec:
    """One row of cells with a count each.

    Args:
        counts: Shape ``(num_dimensions,)``, from 0 to ``most``.
        most: Of layers, at most 100.
        colors: Of the counts.
        height: In pixels.
    """
    return _spec(counts[None].astype(np.uint8), colors, [""]) | {
        "row_height": height,
        "titles": ["", "Dimension"],
        "words": ["", "dimension"],
        "said": [f"kept by {count} of {most} layers" for count in range(most + 1)],
        "bar": None,
    }


def share_colors(dark: bool) -> tuple[tuple[int, str], ...]:
    """Colours of shares in percent: none, some, all."""
    few, most, every = SOME_AND_ALL[dark]
    return ((0, CLOSED), (1, few), (99, most), (100, every))


def _spec(cells: np.ndarray, colors: Sequence[tuple[int, str]], names: list[str]) -> Spec:
    rows, columns = cells.shape
    last = colors[-1][1]
    return {
        "rows": rows, "columns": columns, "values": _encoded(cells), "names": names,
        "colors": [*map(list, colors), [101, last]],
        "labels_apart": LABELS_APART if rows > MANY_LAYERS else 1,
    }  # fmt: skip


def _row_height(layers: int, usual: int) -> int:
    """Lower where there are many layers, so that all can be seen at once."""
    return max(SMALLEST_ROW, min(usual, usual * MANY_LAYERS // max(layers, 1)))


def _column_title(gates: GateMap) -> str:
    if gates.order is None:
        return "Rotary pair, head by head" if gates.word == "pair" else "Dimension"
    if len(gates.order) == 1:
        return f"{gates.word.capitalize()}s, those that most layers keep first"
    return f"Each layer's own {gates.word}s, the highest value first"


def _encoded(array: np.ndarray) -> str:
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return base64.b64encode(little.tobytes()).decode("ascii")
