"""Dimensions of the residual stream: which of them the gated matrices read and write.

All matrices of all layers read from and write to one stream, so its dimension d is the same in the
columns of q, k, v and the first feed-forward matrix, and in the rows of o and the second.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from finegates.gates.layout import GateLayout, Side
from finegates.gates.units import INTO_NEURONS, OUT_OF_NEURONS

READS = tuple((role, "in") for role in ("q", "k", "v", "intermediate", *INTO_NEURONS))
WRITES = tuple((role, "out") for role in ("o", "output", OUT_OF_NEURONS))


@dataclass(frozen=True)
class StreamUse:
    """How many gated matrices of each layer keep each dimension of the residual stream.

    Attributes:
        layers: Layer numbers, shape ``(num_layers,)``.
        keeping: Matrices that keep it, integers of shape ``(num_layers, num_dimensions)``.
        matrices: Gated matrices of each layer that could, shape ``(num_layers,)``.
        chance_matrix: Dimensions that every matrix would keep, on average, if each matrix kept as
            many as it does, drawn at random.
        chance_every: Dimensions that every layer would keep, likewise.
        chance_none: Dimensions that no matrix would keep, likewise.
    """

    layers: tuple[int, ...]
    keeping: np.ndarray
    matrices: np.ndarray
    chance_matrix: float
    chance_every: float
    chance_none: float

    @property
    def num_dimensions(self) -> int:
        """Width of the stream."""
        return self.keeping.shape[1]

    @property
    def num_layers_keeping(self) -> np.ndarray:
        """Layers in which at least one matrix keeps it, shape ``(num_dimensions,)``."""
        return (self.keeping > 0).sum(axis=0)

    @property
    def every_matrix(self) -> np.ndarray:
        """Dimensions that every matrix of every layer keeps, in order."""
        return np.flatnonzero((self.keeping == self.matrices[:, None]).all(axis=0))

    @property
    def every_layer(self) -> np.ndarray:
        """Dimensions that at least one matrix of every layer keeps, in order."""
        return np.flatnonzero((self.keeping > 0).all(axis=0))

    @property
    def none(self) -> np.ndarray:
        """Dimensions that no matrix of any layer keeps, in order."""
        return np.flatnonzero((self.keeping == 0).all(axis=0))


def stream_use(
    layout: GateLayout, kept: np.ndarray, places: Sequence[tuple[str, str]] = READS + WRITES
) -> StreamUse | None:
    """Counts the matrices that keep each dimension; None where no gates are on these places.

    Args:
        layout: Where each gate is.
        kept: Boolean, shape ``(num_dimensions,)``: which rows and columns are open.
        places: Roles and sides of the matrices that count: `READS`, `WRITES` or both.
    """
    by_layer: dict[int, list[Side]] = {}
    for side in layout.sides:
        if (side.matrix.role, side.side) in places:
            by_layer.setdefault(side.matrix.layer, []).append(side)
    if not by_layer:
        return None
    layers = sorted(by_layer)
    keeping = np.stack([np.sum([kept[v.slice] for v in by_layer[n]], axis=0) for n in layers])
    shares = [np.array([kept[v.slice].mean() for v in by_layer[n]]) for n in layers]
    closed = np.array([(1 - share).prod() for share in shares])
    width = keeping.shape[1]
    return StreamUse(
        layers=tuple(layers),
        keeping=keeping,
        matrices=np.array([len(by_layer[n]) for n in layers]),
        chance_matrix=float(width * np.concatenate(shares).prod()),
        chance_every=float(width * (1 - closed).prod()),
        chance_none=float(width * closed.prod()),
    )
