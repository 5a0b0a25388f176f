"""Where each gate is: the order of the gate vectors inside the one flat vector of all gates."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from finegates.gates.units import (
    HIDDEN,
    MATRICES,
    OUT_OF_NEURONS,
    OVER_HEADS,
    WHOLE_UNITS,
    Kind,
    chosen_units,
    decoder_roles,
    gates_of_side,
    kinds_of,
)

ROLES = ("q", "k", "v", "o", "intermediate", "output")
"""What a matrix is. A decoder's two that lead into its neurons, ``gate`` and ``up``, are its
``intermediate``, and its ``down`` is its ``output``: `finegates.gates.units.decoder_roles`."""
SIDES = ("in", "out")
ALL_LAYERS = -1
"""The layer number of what goes through the whole model."""
_ALL = "all"


@dataclass(frozen=True)
class GatedMatrix:
    """A weight matrix with gates.

    Attributes:
        layer: Index of its layer, from 0.
        role: What it is: one of `ROLES`, or of a decoder's.
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
class Side:
    """One side of a gated matrix: ``start`` to ``start + size`` of all rows and columns.

    Attributes:
        matrix: The matrix.
        side: ``in`` for its columns, ``out`` for its rows.
        start: Its first row or column among those of all gated sides.
    """

    matrix: GatedMatrix
    side: str
    start: int

    @property
    def name(self) -> str:
        """For example ``"0.q.in"``."""
        return f"{self.matrix.name}.{self.side}"

    @property
    def size(self) -> int:
        """Number of rows or columns."""
        return self.matrix.features(self.side)

    @property
    def slice(self) -> slice:
        """Its place among the rows and columns of all gated sides."""
        return slice(self.start, self.start + self.size)


@dataclass(frozen=True)
class GateVector:
    """Gates that stand for the same in one layer: ``start`` to ``start + size`` of the flat vector.

    Attributes:
        layer: Index of the layer, from 0; `ALL_LAYERS` if its gates go through the whole model.
        kind: The role of their matrix, or the unit that they stand for.
        side: The side of their matrix, or the part of their unit.
        size: Number of gates.
        start: The first of them.
    """

    layer: int
    kind: str
    side: str
    size: int
    start: int

    @property
    def name(self) -> str:
        """For example ``"0.q.in"``, ``"0.neurons.whole"`` or ``"all.hidden.whole"``."""
        return f"{layer_word(self.layer)}.{self.kind}.{self.side}"

    @property
    def slice(self) -> slice:
        """Its place in the flat vector."""
        return slice(self.start, self.start + self.size)


@dataclass(frozen=True)
class GateLayout:
    """All gated matrices of a model, and the gates that their rows and columns have.

    Under `MATRICES` a gate is a row or a column. Else it is shared by all rows and columns of a
    structure, and a row may have several gates, as one of its neuron and one of its sublayer: it is
    open if all of them are.

    Attributes:
        matrices: Gated matrices, layer by layer.
        num_heads: Attention heads of a layer (query heads).
        num_key_value_heads: Heads of k and v; fewer than ``num_heads`` where heads are grouped.
        units: What a gate stands for, from `finegates.gates.units.chosen_units`.
        uniform: Whether every layer keeps as many gates of each kind.
        multiple: Widths stay multiples of it: so many rows or columns close together.
    """

    matrices: tuple[GatedMatrix, ...]
    num_heads: int
    num_key_value_heads: int
    units: tuple[str, ...] = (MATRICES,)
    uniform: bool = False
    multiple: int = 1

    @property
    def is_shared(self) -> bool:
        """Whether a gate stands for more than a row or column; else gates are dimensions."""
        return self.units != (MATRICES,)

    @cached_property
    def is_decoder(self) -> bool:
        """Whether its neurons have a gate matrix of their own, and its heads are rotated."""
        return any(m.role == OUT_OF_NEURONS for m in self.matrices)

    @property
    def has_all_roles(self) -> bool:
        """Whether all matrices of its layers are in it."""
        own = {role for r in ROLES for role in (decoder_roles(r) if self.is_decoder else (r,))}
        return {matrix.role for matrix in self.matrices} == own

    @cached_property
    def sides(self) -> tuple[Side, ...]:
        """Sides with gates, in the order of the matrices."""
        sides, start = [], 0
        for matrix in self.matrices:
            for side in matrix.sides:
                sides.append(Side(matrix, side, start))
                start += sides[-1].size
        return tuple(sides)

    @cached_property
    def vectors(self) -> tuple[GateVector, ...]:
        """Gate vectors in the order of the flat vector."""
        if not self.is_shared:
            return tuple(
                GateVector(s.matrix.layer, s.matrix.role, s.side, s.size, s.start)
                for s in self.sides
            )
        vectors: list[GateVector] = []
        for layer, kind in self._kinds:
            first = f"{self.layers[0] if kind.of_model else layer}.{kind.uses[0].name}"
            size = int(self._gates_of(kind, self.sides[self.side_places[first]]).max()) + 1
            start = vectors[-1].slice.stop if vectors else 0
            vectors.append(GateVector(layer, kind.unit, kind.part, size, start))
        return tuple(vectors)

    @property
    def hidden(self) -> GateVector | None:
        """The gates of the residual stream, one for each of its dimensions, if there are any."""
        return next((v for v in self.vectors if v.kind == HIDDEN), None)

    @cached_property
    def places(self) -> dict[str, int]:
        """Vector name -> its index in `vectors`."""
        return {vector.name: i for i, vector in enumerate(self.vectors)}

    @cached_property
    def side_places(self) -> dict[str, int]:
        """Side name -> its index in `sides`."""
        return {side.name: i for i, side in enumerate(self.sides)}

    @cached_property
    def num_gates(self) -> int:
        """Number of gates of the model."""
        return sum(v.size for v in self.vectors)

    @cached_property
    def num_dimensions(self) -> int:
        """Rows and columns of all gated sides."""
        return sum(side.size for side in self.sides)

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
        """For each side and matrix its index in `sides`, or -1 where it has no gates."""
        return {
            side: np.array([self.side_places.get(f"{m.name}.{side}", -1) for m in self.matrices])
            for side in SIDES
        }

    @cached_property
    def gates_of_dimensions(self) -> np.ndarray:
        """The gates of each row and column, shape ``(most gates of one, num_dimensions)``.

        `num_gates` stands for no gate.
        """
        return self._table(applied=False)

    @cached_property
    def applied_gates(self) -> np.ndarray:
        """The same without the gates that do not multiply there, as they do elsewhere."""
        return self._table(applied=True)

    def applied_place(self, matrix: GatedMatrix, side: str) -> int | None:
        """The index in `sides` of a side where gates multiply; None where they do not."""
        place = self.side_places.get(f"{matrix.name}.{side}")
        if place is None:
            return None
        gates = self.applied_gates[:, self.sides[place].slice]
        return None if (gates == self.num_gates).all() else place

    def spread(self, values: np.ndarray) -> np.ndarray:
        """What gates are -> what rows and columns are, ``(num_gates,)`` -> ``(num_dimensions,)``.

        Args:
            values: Gate values, whose product a row or column has; or booleans, which gates are
                closed: one of them closes it.
        """
        if not self.is_shared:
            return values
        if values.dtype == bool:
            return np.append(values, False)[self.gates_of_dimensions].any(axis=0)
        return np.append(values, 1.0)[self.gates_of_dimensions].prod(axis=0).astype(values.dtype)

    @cached_property
    def layers(self) -> tuple[int, ...]:
        """Layers with a gated matrix, in order."""
        return tuple(sorted({m.layer for m in self.matrices}))

    @property
    def _kinds(self) -> list[tuple[int, Kind]]:
        """Layer and kind of each vector: layer by layer, those of the whole model last."""
        kinds = kinds_of(self.units, decoder=self.is_decoder)
        own = [(layer, kind) for layer in self.layers for kind in kinds if not kind.of_model]
        return own + [(ALL_LAYERS, kind) for kind in kinds if kind.of_model]

    def _gates_of(self, kind: Kind, side: Side) -> np.ndarray:
        return gates_of_side(
            kind.per, side.matrix.role, side.side, side.size,
            self.num_heads, self.num_key_value_heads,
        )  # fmt: skip

    def _table(self, *, applied: bool) -> np.ndarray:
        if not self.is_shared:
            return np.arange(self.num_gates)[None]
        found: list[list[np.ndarray]] = [[] for _ in self.sides]
        for vector, (layer, kind) in zip(self.vectors, self._kinds, strict=True):
            uses = [use for use in kind.uses if use.applies or not applied]
            for number in self.layers if kind.of_model else (layer,):
                for use in uses:
                    place = self.side_places[f"{number}.{use.name}"]
                    found[place].append(vector.start + self._gates_of(kind, self.sides[place]))
        most = max(len(gates) for gates in found)
        table = np.full((most, self.num_dimensions), self.num_gates)
        for side, gates in zip(self.sides, found, strict=True):
            for number, places in enumerate(gates):
                table[number, side.slice] = places
        return table

    @property
    def num_layers(self) -> int:
        """Number of layers that have a gated matrix."""
        return len(self.layers)

    @cached_property
    def features(self) -> dict[str, np.ndarray]:
        """For each side and matrix its number of columns or rows."""
        return {side: np.array([m.features(side) for m in self.matrices]) for side in SIDES}

    @property
    def closes_singly(self) -> bool:
        """Whether gates close one by one; else several have to go together."""
        return not self.uniform and self.multiple == 1

    def split(self, flat: np.ndarray) -> dict[str, np.ndarray]:
        """The parts of a flat array by vector name."""
        return {v.name: flat[v.slice] for v in self.vectors}

    def head_bounds(self, side: Side) -> list[tuple[int, int]]:
        """Start and end of each head's dimensions; empty if the side does not run over heads."""
        heads = {
            ("q", "out"): self.num_heads,
            ("k", "out"): self.num_key_value_heads,
            ("v", "out"): self.num_key_value_heads,
            ("o", "in"): self.num_heads,
        }.get((side.matrix.role, side.side), 0)
        return _bounds(side.size, heads) if heads else []

    def heads_of(self, vector: GateVector) -> list[tuple[int, int]]:
        """Start and end of each head's gates; empty if the vector does not run over heads."""
        if not self.is_shared:
            return self.head_bounds(self.sides[self.side_places[vector.name]])
        over_heads = vector.kind in OVER_HEADS
        return _bounds(vector.size, self.num_key_value_heads) if over_heads else []

    def widths_of(self, vector: GateVector) -> list[tuple[int, int]]:
        """Start and end of the gates that make up one width: a head's each, or the whole vector's.

        Empty if its gates stand for more than a row or column, as those of heads.
        """
        if vector.kind in WHOLE_UNITS:
            return []
        return self.heads_of(vector) or [(0, vector.size)]

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        rows = [[m.layer, m.role, m.in_features, m.out_features, m.sides] for m in self.matrices]
        more: dict[str, Any] = {"uniform": True} if self.uniform else {}
        if self.multiple > 1:
            more["multiple"] = self.multiple
        if self.is_shared:
            more["units"] = list(self.units)
        return {
            "matrices": rows,
            "num_heads": self.num_heads,
            "num_key_value_heads": self.num_key_value_heads,
            **more,
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "GateLayout":
        """The inverse of `to_dict`."""
        matrices = tuple(
            GatedMatrix(row[0], row[1], row[2], row[3], tuple(row[4]))
            for row in content["matrices"]
        )
        heads = content["num_heads"], content["num_key_value_heads"]
        units = chosen_units(content.get("units", [MATRICES]))
        shape = content.get("uniform", False), content.get("multiple", 1)
        return cls(matrices, *heads, units, *shape)


def layer_word(layer: int) -> str:
    """``3`` -> ``"3"``, `ALL_LAYERS` -> ``"all"``: how the name of a vector begins."""
    return _ALL if layer == ALL_LAYERS else str(layer)


def layer_number(word: str) -> int:
    """The inverse of `layer_word`."""
    return ALL_LAYERS if word == _ALL else int(word)


def _bounds(size: int, parts: int) -> list[tuple[int, int]]:
    edges = np.linspace(0, size, parts + 1).astype(int)
    return [(int(start), int(end)) for start, end in pairwise(edges)]
