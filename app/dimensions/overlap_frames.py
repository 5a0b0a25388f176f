"""Overlaps of several runs as frames: every pair, run by run, and pair by kind of gate vector."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from app.snapshots.view import GateView
from app.words import NOTHING, SIDE_NAMES, kind_name
from finegates.gates.layout import GateLayout
from finegates.gates.overlap import Overlap, overlap_of_sizes, set_sizes, vectors_of

SURVIVORS, CLOSED = "survivors", "closed"


@dataclass(frozen=True)
class Pair:
    """Two runs, by their places, and what they share in each vector.

    Attributes:
        first: Place of one run.
        second: Place of the other.
        sizes: Of their sets and of both, shape ``(3, num_vectors)``.
    """

    first: int
    second: int
    sizes: np.ndarray

    @property
    def label(self) -> str:
        """As runs are numbered on the page: from 1."""
        return f"{self.first + 1} and {self.second + 1}"


def chosen_sets(shown: Sequence[GateView], which: str) -> np.ndarray:
    """Dimensions that each run keeps, or has closed: boolean, shape ``(num_runs, num_gates)``."""
    return np.stack([gates.kept if which == SURVIVORS else gates.closed for gates in shown])


def pairs_of(layout: GateLayout, sets: np.ndarray) -> list[Pair]:
    """Every pair of runs, counted once for all that is shown of them."""
    sizes = set_sizes(layout, sets)
    return [
        Pair(i, j, np.stack([sizes[i], sizes[j], set_sizes(layout, sets[i] & sets[j])]))
        for i, j in combinations(range(len(sets)), 2)
    ]


def pair_table(
    layout: GateLayout, pairs: Sequence[Pair], names: Sequence[str], roles: Sequence[str] | None
) -> pd.DataFrame:
    """A line for each pair: its runs, sizes, overlap, and the same by chance."""
    among = vectors_of(layout, roles)
    rows = []
    for pair in pairs:
        found = overlap_of_sizes(layout.sizes, pair.sizes, among)
        rows.append(
            {
                "pair": pair.label, "one": names[pair.first], "other": names[pair.second],
                "first": found.first, "second": found.second, "both": found.both,
                "chance_both": found.chance_both, **_numbers(found),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def square(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Each pair both ways, as cells of a square, row by row.

    Returns:
        `pair_table`'s columns with ``name`` and ``other``, ``row`` (number and name), ``number``
        (of the other) and ``label``.
    """
    number = {name: place for place, name in enumerate(names, 1)}
    ways = [
        table.assign(name=table[a], other=table[b], number=table[b].map(number))
        for a, b in (("one", "other"), ("other", "one"))
    ]
    cells = pd.concat(ways).sort_values("name", key=lambda name: name.map(number), kind="stable")
    labels = zip(cells["jaccard"], cells["chance"], strict=True)
    return cells.assign(
        row=[f"{number[name]} · {name}" for name in cells["name"]],
        label=[f"{found:.2f} / {chance:.2f}" for found, chance in labels],
    )


def by_kind(layout: GateLayout, pairs: Sequence[Pair]) -> pd.DataFrame:
    """Each pair by role and side: ``pair``, ``kind``, ``label`` and the numbers of its overlap."""
    kinds = dict.fromkeys((v.kind, v.side) for v in layout.vectors)
    rows = []
    for role, side in kinds:
        among = np.array([(v.kind, v.side) == (role, side) for v in layout.vectors])
        for pair in pairs:
            found = _numbers(overlap_of_sizes(layout.sizes, pair.sizes, among))
            kind = f"{kind_name(role, layout.is_decoder)}, {SIDE_NAMES[side]}"
            rows.append({"pair": pair.label, "kind": kind, **found})
    frame = pd.DataFrame(rows)
    return frame.assign(
        label=[NOTHING if math.isnan(above) else f"{above:z.0%}" for above in frame["above"]]
    )


def _numbers(found: Overlap) -> dict[str, float]:
    return {
        "jaccard": found.jaccard,
        "chance": found.chance_jaccard,
        "ratio": found.ratio,
        "above": found.above_chance,
        "z": found.z,
    }
