"""Do runs keep the same dimensions? Overlap of what they keep, next to what luck alone would give.

Two runs that keep most dimensions share many of them whatever they have learned. So every overlap
stands next to the one of random sets: each vector keeps as many of its dimensions as the run does,
drawn at random and independently of the other run. How many of ``n`` dimensions two such draws of
``a`` and ``b`` share is hypergeometric; over the vectors of a model, means and variances add up.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from finegates.errors import FineGatesError
from finegates.gates.layout import GateLayout


class OverlapError(FineGatesError):
    """These runs can't be compared dimension by dimension."""


@dataclass(frozen=True)
class Overlap:
    """What two sets of dimensions share.

    Attributes:
        first: Dimensions in the first set.
        second: Dimensions in the second set.
        both: Dimensions in both.
        chance_both: Of these, what random sets of the same sizes in each vector share on average.
        chance_jaccard: Their expected Jaccard index, in [0, 1]; NaN where both sets are empty.
        spread: Standard deviation of ``both`` over such random sets; 0 where nothing is random.
    """

    first: int
    second: int
    both: int
    chance_both: float
    chance_jaccard: float
    spread: float

    @property
    def jaccard(self) -> float:
        """Dimensions in both over those in either, in [0, 1]; NaN where both sets are empty."""
        union = self.first + self.second - self.both
        return self.both / union if union else float("nan")

    @property
    def ratio(self) -> float:
        """How many times the overlap by chance it is; NaN where chance gives none."""
        return self.jaccard / self.chance_jaccard if self.chance_jaccard else float("nan")

    @property
    def above_chance(self) -> float:
        """Where the overlap is between chance (0) and equal sets (1); NaN without any chance."""
        room = 1 - self.chance_jaccard
        return (self.jaccard - self.chance_jaccard) / room if self.spread else float("nan")

    @property
    def z(self) -> float:
        """Standard deviations that ``both`` is above chance; NaN where nothing is random."""
        return (self.both - self.chance_both) / self.spread if self.spread else float("nan")


@dataclass(frozen=True)
class Agreement:
    """What all of several sets share, and what is in none of them.

    Attributes:
        dimensions: How many there are.
        in_all: Dimensions in every set.
        in_none: Dimensions in no set.
        chance_all: What random sets of the same sizes in each vector would all share, on average.
        chance_none: What would be in none of them, on average.
    """

    dimensions: int
    in_all: int
    in_none: int
    chance_all: float
    chance_none: float


def check_same_layout(names: Sequence[str], layouts: Sequence[GateLayout]) -> None:
    """Sees to it that a dimension of one run is the same dimension of every other.

    Args:
        names: Of the runs, for the message.
        layouts: Of the runs, in the same order.

    Raises:
        OverlapError: If a run's gated matrices, their sizes, sides or heads differ from the first.
    """
    for name, layout in zip(names[1:], layouts[1:], strict=True):
        if layout != layouts[0]:
            raise OverlapError(
                f"{name} can't be compared with {names[0]}: its gates are laid out differently "
                f"({_difference(layout, layouts[0])}). Choose runs of one model whose gates are on "
                "the same sides of the same matrices."
            )


def vectors_of(layout: GateLayout, roles: Sequence[str] | None = None) -> np.ndarray:
    """Which gate vectors are on matrices of these roles; all of them if none are given.

    Returns:
        Boolean, shape ``(num_vectors,)``.
    """
    return np.array([roles is None or v.kind in roles for v in layout.vectors])


def set_sizes(layout: GateLayout, chosen: np.ndarray) -> np.ndarray:
    """How many dimensions of each vector are chosen.

    Args:
        layout: Where each gate is.
        chosen: Boolean, shape ``(..., num_gates)``.

    Returns:
        Integers, shape ``(..., num_vectors)``.
    """
    starts = [vector.start for vector in layout.vectors]
    return np.add.reduceat(chosen, starts, axis=-1, dtype=np.int64)


def overlap_of_sizes(n: np.ndarray, sizes: np.ndarray, among: np.ndarray | None = None) -> Overlap:
    """What two runs' sets of dimensions share, and what chance gives at the same sizes.

    The expected Jaccard index is ``f(m) + f''(m) s**2 / 2`` with mean m and variance s**2 of what
    random sets share, ``f(x) = x / (first + second - x)``; exact where nothing is random.

    Args:
        n: Dimensions of each vector, shape ``(num_vectors,)``.
        sizes: Of the first set, the second and both, shape ``(3, num_vectors)``, as of `set_sizes`.
        among: Boolean, shape ``(num_vectors,)``: count these vectors only, as of `vectors_of`.
    """
    if among is not None:
        n, sizes = n[among], sizes[:, among]
    a, b, both = sizes
    mean = float((a * b / n).sum())
    # Products of four sizes leave 64-bit integers behind; of fractions they stay small.
    closed = (1 - a / n) * (1 - b / n)
    variance = float((a / n * b * closed * n / np.maximum(n - 1, 1)).sum())
    total = int(a.sum() + b.sum())
    chance = mean / (total - mean) + variance * total / (total - mean) ** 3 if total else np.nan
    return Overlap(
        int(a.sum()), int(b.sum()), int(both.sum()), mean, float(chance), float(np.sqrt(variance))
    )


def agreement(layout: GateLayout, chosen: np.ndarray, among: np.ndarray | None = None) -> Agreement:
    """What all runs' sets share, and what none of them has, next to chance at the same sizes.

    Args:
        layout: Where each gate is, in all runs.
        chosen: Boolean, shape ``(num_runs, num_gates)``: in the run's set or not.
        among: Boolean, shape ``(num_vectors,)``: count these vectors only.
    """
    among = vectors_of(layout) if among is None else among
    ends = np.stack([chosen.all(axis=0), ~chosen.any(axis=0)])
    in_all, in_none = set_sizes(layout, ends)[:, among].sum(axis=1)
    n = layout.sizes[among]
    share = set_sizes(layout, chosen)[:, among] / n
    return Agreement(
        int(n.sum()),
        int(in_all),
        int(in_none),
        float((n * share.prod(axis=0)).sum()),
        float((n * (1 - share).prod(axis=0)).sum()),
    )


def _difference(one: GateLayout, other: GateLayout) -> str:
    pairs = zip(_in_words(one), _in_words(other), strict=True)
    found = [f"{mine}, not {theirs}" for mine, theirs in pairs if mine != theirs]
    return "; ".join(found) or "the sizes of its matrices are others"


def _in_words(layout: GateLayout) -> tuple[str, ...]:
    places = dict.fromkeys(f"{v.kind}.{v.side}" for v in layout.vectors)
    return (
        f"{layout.num_layers} layers",
        f"{layout.num_gates:,} gates",
        f"{layout.num_heads} heads",
        f"gates on {', '.join(places)}",
    )
