"""Where each gate is: the order of the gate vectors inside the one flat vector of all gates."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

ROLES = ("q", "k", "v", "o", "intermediate", "output")
SIDES = ("in", "out")


@dataclass(frozen=True)
class GatedMatrix:
    """A weight matrix with gates.

    Attributes:
        layer: Index of its layer, from 0.
        role: What it is, one of `ROLES`.
        in_features: Number of columns.
        out_features: Number of rows.
        sides: Which of ``in`` and ``out`` carry gates.
    """

    layer: int
    role: str
    in_features: int
    out_features: int
    sides: tuple[str, ...] = SIDES

    @property
    def name(self) -> str:
        """For example ``"0.q"``."""
        return f"{self.layer}.{self.role}"

    def features(self, side: str) -> int:
        """Number of columns (``in``) or rows (``out``)."""
        return self.in_features if side == "in" else self.out_features

    @property
    def num_weights(self) -> int:
        """Number of weights, bias not counted."""
        return self.in_features * self.out_features


@dataclass(frozen=True)
class GateVector:
    """The gates on one side of a matrix: ``start`` to ``start + size`` of the flat vector."""

    matrix: GatedMatrix
    side: str
    start: int

    @property
    def name(self) -> str:
        """For example ``"0.q.in"``."""
        return f"{self.matrix.name}.{self.side}"

    @property
    def size(self) -> int:
        """Number of gates."""
        return self.matrix.features(self.side)

    @property
    def slice(self) -> slice:
        """Its place in the flat vector."""
        return slice(self.start, self.start + self.size)


@dataclass(frozen=True)
class GateLayout:
    """All gated matrices of a model, in the order of their gates.

    Attributes:
        matrices: Gated matrices, layer by layer.
        num_heads: Attention heads of a layer (query heads).
        num_key_value_heads: Heads of k and v; fewer than ``num_heads`` where heads are grouped.
    """

    matrices: tuple[GatedMatrix, ...]
    num_heads: int
    num_key_value_heads: int

    @cached_property
    def vectors(self) -> tuple[GateVector, ...]:
        """Gate vectors in the order of the flat vector."""
        vectors, start = [], 0
        for matrix in self.matrices:
            for side in matrix.sides:
                vectors.append(GateVector(matrix, side, start))
                start += vectors[-1].size
        return tuple(vectors)

    @cached_property
    def places(self) -> dict[str, int]:
        """Vector name -> its index in `vectors`."""
        return {vector.name: i for i, vector in enumerate(self.vectors)}

    @cached_property
    def num_gates(self) -> int:
        """Number of gates of the model."""
        return sum(v.size for v in self.vectors)

    @property
    def num_gated_weights(self) -> int:
        """Weights of all gated matrices."""
        return sum(m.num_weights for m in self.matrices)

    @cached_property
    def sizes(self) -> np.ndarray:
        """Gates in each vector, shape ``(num_vectors,)``."""
        return np.array([v.size for v in self.vectors])

    @cached_property
    def vector_index(self) -> np.ndarray:
        """For each gate the index of its vector, shape ``(num_gates,)``."""
        return np.repeat(np.arange(len(self.vectors)), self.sizes)

    @cached_property
    def side_index(self) -> dict[str, np.ndarray]:
        """For each side and matrix the index of its vector, or -1 where that side has no gates."""
        return {
            side: np.array([self.places.get(f"{m.name}.{side}", -1) for m in self.matrices])
            for side in SIDES
        }

    @property
    def num_layers(self) -> int:
        """Number of layers that have a gated matrix."""
        return len({m.layer for m in self.matrices})

    def split(self, flat: np.ndarray) -> dict[str, np.ndarray]:
        """The parts of a flat array by vector name."""
        return {v.name: flat[v.slice] for v in self.vectors}

    def head_bounds(self, vector: GateVector) -> list[tuple[int, int]]:
        """Start and end of each head's dimensions; empty if the vector does not run over heads."""
        heads = {
            ("q", "out"): self.num_heads,
            ("k", "out"): self.num_key_value_heads,
            ("v", "out"): self.num_key_value_heads,
            ("o", "in"): self.num_heads,
        }.get((vector.matrix.role, vector.side), 0)
        if not heads:
            return []
        edges = np.linspace(0, vector.size, heads + 1).astype(int)
        return [(int(start), int(end)) for start, end in pairwise(edges)]

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        rows = [[m.layer, m.role, m.in_features, m.out_features, m.sides] for m in self.matrices]
        return {
            "matrices": rows,
            "num_heads": self.num_heads,
            "num_key_value_heads": self.num_key_value_heads,
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "GateLayout":
        """The inverse of `to_dict`."""
        matrices = tuple(
            GatedMatrix(row[0], row[1], row[2], row[3], tuple(row[4]))
            for row in content["matrices"]
        )
        return cls(matrices, content["num_heads"], content["num_key_value_heads"])
