"""From a snapshot to layer-by-dimension maps: one side of a matrix, or what survives of it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce

import numpy as np

from app.charts.maps import GateMap, by_layers_keeping, by_value
from app.snapshots.view import GateView
from app.words import ROLE_NAMES
from finegates.gates.layout import GateLayout, Side
from finegates.gates.stream import StreamUse
from finegates.gates.units import PAIRS, decoder_roles

SIDE_NAMES = {"survives": "What survives", "out": "Rows (outputs)", "in": "Columns (inputs)"}
AS_IN_MODEL, BY_VALUE, BY_LAYERS = "as in the model", "by value", "by layers that keep them"
ORDERS: dict[str, Callable[[GateMap], GateMap]] = {
    AS_IN_MODEL: lambda gates: gates,
    BY_VALUE: by_value,
    BY_LAYERS: by_layers_keeping,
}
NEITHER, ONLY_FIRST, ONLY_SECOND, BOTH = range(4)
"""What a cell of a difference means."""

ROTATED = ("q", "k")
"""Parts whose heads a decoder rotates."""
PARTS = {"q": "Query", "k": "Key", "v": "Value", "o": "Attention output", "ffn": "Feed-forward"}

_PLACES = {
    ("q", "survives"): (("q", "out"),),
    ("k", "survives"): (("k", "out"),),
    ("v", "survives"): (("v", "out"),),
    ("o", "survives"): (("o", "in"),),
    ("ffn", "survives"): (("intermediate", "out"), ("output", "in")),
    ("ffn", "in"): (("intermediate", "in"),),
    ("ffn", "out"): (("output", "out"),),
}
"""For each part and side the gate vectors whose product is shown; else the part's own side."""

_MEANINGS = {
    ("q", "survives"): "Dimensions of the query heads (rows of Q).",
    ("k", "survives"): "Dimensions of the key heads (rows of K).",
    ("v", "survives"): "Dimensions of the value heads (rows of V).",
    ("o", "survives"): "Dimensions of the heads that reach the output (columns of O).",
    ("ffn", "survives"): "Neurons: open only if both their row of FFN in and their column of "
    "FFN out are open; the value is the product of the two gates.",
}
_MEANINGS_OF_DECODERS = {
    ("ffn", "survives"): "Neurons: open only if their rows of FFN gate and FFN up and their column "
    "of FFN down are all open; where each has a gate of its own, the value is their product.",
    ("ffn", "in"): "Dimensions of the residual stream that both FFN gate and FFN up read.",
}
_MEANING_OF_PAIRS = (
    "Rotary pairs of the {} heads: two dimensions that turn by one angle with each token, and go "
    "together. Pairs that turn fast tell order, slow ones content."
)


def meaning(layout: GateLayout, part: str, side: str) -> str:
    """What the dimensions of a map are."""
    if layout.is_decoder and (known := _MEANINGS_OF_DECODERS.get((part, side))):
        return known
    role, role_side = _PLACES.get((part, side), ((part, side),))[0]
    if role in ROTATED and role_side == "out" and PAIRS in layout.units and layout.is_decoder:
        return _MEANING_OF_PAIRS.format({"q": "query", "k": "key"}[role])
    if known := _MEANINGS.get((part, side)):
        return known
    if role == "o" and role_side == "in":
        return _MEANINGS["o", "survives"]
    if role in ("q", "k", "v") and role_side == "out":
        return _MEANINGS[role, "survives"]
    stream = "read from" if side == "in" else "written to"
    name = ROLE_NAMES[decoder_roles(role)[0] if layout.is_decoder else role]
    return f"Dimensions of the residual stream {stream} {name}."


def gate_map(
    gates: GateView, part: str, side: str, wavelengths: np.ndarray | None = None
) -> GateMap | None:
    """The map of a part of the model, or None where the run has no gates there.

    Where only one of two gate vectors exists, the other counts as open.

    Args:
        gates: Of a run.
        part: One of `PARTS`.
        side: One of `SIDE_NAMES`.
        wavelengths: Of rotary pairs, from `app.reading.rotary`, where they are known.
    """
    found = _map(
        gates, part, side, lambda places: as_percent(_product(places, gates.dimension_values))
    )
    if found is None or wavelengths is None or part not in ROTATED or not found.heads:
        return found
    width = found.heads[0][1] * (2 if found.word == "pair" else 1)
    if max(found.layers) >= len(wavelengths) or width // 2 != wavelengths.shape[1]:
        return found  # the model's folder has changed since
    own = [tuple(map(_turning, waves)) for waves in wavelengths[list(found.layers)]]
    kinds = list(dict.fromkeys(own))
    return replace(found, notes=tuple(kinds), note_of_row=tuple(map(kinds.index, own)))


def _turning(tokens: float) -> str:
    """How far apart two tokens are whose angles differ by one turn."""
    if np.isnan(tokens):
        return "this layer rotates nothing"
    return f"turns once in {tokens:,.{int(tokens < 10)}f} tokens"


def agreement_map(shown: Sequence[GateView], part: str, side: str) -> GateMap | None:
    """In how many of the runs each dimension survives, in percent of them; None as `gate_map`."""

    def cells(places: Places) -> np.ndarray:
        return as_percent(
            np.mean([_product(places, gates.kept_dimensions) for gates in shown], axis=0)
        )

    return _map(shown[0], part, side, cells)


def difference_map(first: GateView, second: GateView, part: str, side: str) -> GateMap | None:
    """Which of two keeps each dimension: `NEITHER` to `BOTH`; None as `gate_map`."""

    def cells(places: Places) -> np.ndarray:
        one, other = (
            _product(places, gates.kept_dimensions).astype(np.uint8) for gates in (first, second)
        )
        return ONLY_FIRST * one + ONLY_SECOND * other

    return _map(first, part, side, cells)


def stream_map(use: StreamUse) -> GateMap:
    """By which share of a layer's matrices each dimension of the residual stream is kept."""
    return GateMap("Residual stream", use.layers, as_percent(use.keeping / use.matrices[:, None]))


def hidden_map(gates: GateView) -> GateMap | None:
    """The gates of the residual stream, one row for the whole model; None where it has none."""
    hidden = gates.layout.hidden
    if hidden is None:
        return None
    return GateMap("Residual stream", (hidden.layer,), as_percent(gates.values[hidden.slice])[None])


Places = dict[int, list[Side]]
"""For each layer the sides whose product is shown."""


def _places(layout: GateLayout, part: str, side: str) -> Places:
    """Where a gate goes through several of the sides, one of them has all that there is to show."""
    wanted = {
        (own, role_side)
        for role, role_side in _PLACES.get((part, side), ((part, side),))
        for own in (decoder_roles(role) if layout.is_decoder else (role,))
    }
    by_layer: Places = {}
    for one in layout.sides:
        if (one.matrix.role, one.side) in wanted:
            by_layer.setdefault(one.matrix.layer, []).append(one)
    most = 1 if layout.is_shared else None
    return {layer: sides[:most] for layer, sides in sorted(by_layer.items())}


def _map(
    gates: GateView, part: str, side: str, cells: Callable[[Places], np.ndarray]
) -> GateMap | None:
    layout = gates.layout
    places = _places(layout, part, side)
    if not places:
        return None
    shown = list(places.values())[-1][-1]
    heads = tuple(layout.head_bounds(shown))
    served = layout.num_heads // len(heads) if heads else 1
    found = GateMap(PARTS[part], tuple(places), cells(places), heads, served=served)
    role, role_side = shown.matrix.role, shown.side
    if layout.is_decoder and PAIRS in layout.units and role in ROTATED and role_side == "out":
        return _by_pair(found)
    return found


def _by_pair(gates: GateMap) -> GateMap:
    """One column for each rotary pair of a head, whose two dimensions have one gate."""
    halves = [(start, (start + end) // 2) for start, end in gates.heads]
    chosen = np.concatenate([np.arange(*half) for half in halves])
    heads = tuple((start // 2, end // 2) for start, end in gates.heads)
    return replace(gates, cells=gates.cells[:, chosen], heads=heads, word="pair")


def _product(places: Places, values: np.ndarray) -> np.ndarray:
    """Of each layer's sides, shape ``(num_layers, num_dimensions)``."""
    rows = [[values[side.slice] for side in sides] for sides in places.values()]
    return np.stack([reduce(np.multiply, row) for row in rows])


def as_percent(values: np.ndarray) -> np.ndarray:
    """Gate values in percent as uint8: 0 only where closed, 100 only where fully open."""
    percent = np.clip(np.round(values * 100), 1, 99)
    return np.where(values <= 0, 0, np.where(values >= 1, 100, percent)).astype(np.uint8)
