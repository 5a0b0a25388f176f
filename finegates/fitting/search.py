"""Which training comes next in the search for the smallest model within a tolerance.

Pure arithmetic on what has been tried: the same tries give the same next one, so a search that was
broken off goes on where it was.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

FIRST_TARGET = 0.4
LARGEST_TARGET = 0.9
STEP_UP = 0.2
GRID = 0.05
"""Targets are multiples of this; neighbours on it end the search."""
MOST_SEEDS = 3


@dataclass(frozen=True)
class Try:
    """A finished training, judged by the rows that decide.

    Attributes:
        target: Fraction of the gated weights that it removed.
        seed: Its seed.
        drop: Score of the dense reference minus its own, as a fraction.
        doubt: Half of the drop's confidence interval.
        lost: Whether it was ended early; then its drop is that of its last evaluation.
    """

    target: float
    seed: int
    drop: float
    doubt: float
    lost: bool = False


@dataclass(frozen=True)
class Next:
    """What to train next, and why."""

    target: float
    seed: int
    why: str


def smallest_within(tries: Iterable[Try], max_drop: float) -> float | None:
    """The largest target whose median drop is within the tolerance; None if none is."""
    drops = _drops(tries)
    return max((t for t, found in drops.items() if median(found) <= max_drop), default=None)


def next_try(
    tries: Sequence[Try], max_drop: float, seed: int = 0, most_trainings: int | None = None
) -> Next | None:
    """The training that tells most; None if the answer stands.

    Targets are bracketed by halves: one that is within the tolerance, and the next above it that is
    not. Then seeds are added on both sides while their drops are too close to call; if none is
    within, to whatever is close, what lost least first.

    Args:
        tries: What was trained, in any order.
        max_drop: The tolerance, as a fraction of the score.
        seed: The first seed; more count up from it.
        most_trainings: No more than this many in all.
    """
    if most_trainings is not None and len(tries) >= most_trainings:
        return None
    if not tries:
        return Next(_on_grid(FIRST_TARGET), seed, "the first point")
    drops = _drops(tries)
    within = smallest_within(tries, max_drop)
    above = [target for target in drops if within is None or target > within]
    lost = min(above, default=None)
    if lost is None:
        assert within is not None
        if within >= LARGEST_TARGET:
            return None
        return Next(_on_grid(min(within + STEP_UP, LARGEST_TARGET)), seed, "all so far are within")
    between = _on_grid(((within or 0.0) + lost) / 2)
    if (within or 0.0) < between < lost:
        return Next(between, seed, f"between {100 * (within or 0):.0f}% and {100 * lost:.0f}%")
    edges = (within, lost) if within is not None else sorted(drops, key=lambda t: median(drops[t]))
    for target in edges:
        if _is_close(tries, target, max_drop):
            used = {t.seed for t in tries if t.target == target}
            if len(used) < MOST_SEEDS:
                new = next(s for s in range(seed, seed + MOST_SEEDS) if s not in used)
                return Next(target, new, f"one seed can't tell at {100 * target:.0f}%")
    return None


def _drops(tries: Iterable[Try]) -> dict[float, list[float]]:
    found: dict[float, list[float]] = {}
    for one in tries:
        found.setdefault(one.target, []).append(one.drop)
    return found


def _is_close(tries: Sequence[Try], target: float, max_drop: float) -> bool:
    """Whether the tolerance lies within the doubt of the median drop."""
    here = [t for t in tries if t.target == target]
    doubt = median(t.doubt for t in here) / len(here) ** 0.5
    return abs(median(t.drop for t in here) - max_drop) < doubt


def _on_grid(target: float) -> float:
    return round(round(target / GRID) * GRID, 6)
