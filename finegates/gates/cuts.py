"""Where gates are cut off: a threshold on their values, or a budget of weights. Loads no torch."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from finegates.errors import SpecError
from finegates.gates.counting import Counting
from finegates.gates.laws import Law
from finegates.gates.layout import GateLayout
from finegates.gates.removal import check_removable, gates_to_close, gates_up_to, removal
from finegates.gates.snapshots import Snapshot

CURVE_POINTS = 20
CURVE_END = 0.95
"""Of the weights: what is removed at a curve's last point."""
_JUST_OPEN = 1e-4
_DIGITS = 6


@dataclass(frozen=True)
class Cut:
    """One of the two, never both.

    Attributes:
        threshold: Gates whose value is this or less are closed, in [0, 1]; 0 closes no more than
            what is closed already.
        remove: The lowest gates that together remove this fraction of the weights, in [0, 1).

    Raises:
        SpecError: If not exactly one is given, or it is out of range.
    """

    threshold: float | None = None
    remove: float | None = None

    def __post_init__(self) -> None:
        if (self.threshold is None) == (self.remove is None):
            raise SpecError(
                f"threshold is {self.threshold} and remove is {self.remove}; give one of them."
            )
        if self.remove is not None and not 0 <= self.remove < 1:
            raise SpecError(f"remove is {self.remove}; allowed is 0 to below 1.")
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise SpecError(f"threshold is {self.threshold}; allowed is 0 to 1.")

    @property
    def asked(self) -> tuple[str, float]:
        """``("remove", fraction)`` or ``("threshold", value)``."""
        if self.remove is not None:
            return "remove", self.remove
        assert self.threshold is not None
        return "threshold", self.threshold

    @property
    def words(self) -> str:
        """For people."""
        name, value = self.asked
        if name == "remove":
            return f"{100 * value:.3g}% of the weights removed"
        return f"gates up to {value:g} closed"


AS_TRAINED = Cut(threshold=0.0)
"""Closes no more than training did."""


def cut_of(row: Mapping[str, Any]) -> Cut | None:
    """The cut that a row's ``threshold`` and ``remove`` name; None if it has neither.

    Raises:
        SpecError: If it has both, or one is out of range.
    """
    threshold, remove = row.get("threshold"), row.get("remove")
    if threshold is None and remove is None:
        return None
    return Cut(threshold=threshold, remove=remove)


def counted_cut(layout: GateLayout, means: np.ndarray, remove: float, counting: Counting) -> Cut:
    """The budget of gated weights that removes this fraction of something else.

    Raises:
        SpecError: If the fraction is out of range, or more than all gates together remove.
    """
    Cut(remove=remove)
    check_removable(layout, remove, counting)
    closed = gates_to_close(layout, means, remove, counting)
    return Cut(remove=round(removal(layout, closed).removed_weights_fraction, _DIGITS))


def curve_cuts(
    layout: GateLayout, law: Law, means: np.ndarray, count: int = CURVE_POINTS
) -> list[Cut]:
    """Cuts that remove ever more weights in even steps, from what is closed already.

    Each is the threshold that removes nearest to so much. Where none does, because many gates have
    one value, as all that are fully open, it is the budget.

    Args:
        layout: Where each gate is.
        law: What makes a gate's value of its mean.
        means: Shape ``(num_gates,)``.
        count: How many, at least 2; fewer come back if there are not as many patterns.
    """
    values = law.value(means)
    start = removal(layout, values <= 0)
    own = start.removed_weights_fraction
    steps = np.linspace(own, max(CURVE_END, (1 + own) / 2), count)
    half = abs(steps[1] - steps[0]) / 2
    cuts = {start.closed_gates: AS_TRAINED}
    for budget in steps[1:].tolist():
        closed, cut = gates_to_close(layout, means, budget), Cut(remove=round(budget, _DIGITS))
        threshold = _between(float(values[closed].max(initial=0.0)), values)
        below = gates_up_to(layout, values, threshold)
        off = abs(removal(layout, below).removed_weights_fraction - budget)
        if threshold < 1 and off < half:
            closed, cut = below, Cut(threshold=threshold)
        cuts.setdefault(int(closed.sum()), cut)
    return [cuts[number] for number in sorted(cuts)]


def _between(value: float, values: np.ndarray) -> float:
    """A short number from this gate value on and below the next larger one."""
    above = values[values > value]
    following = float(above.min()) if above.size else 1.0
    middle = round((value + following) / 2, _DIGITS)
    return middle if value <= middle < following else value


def gates_to_prune(layout: GateLayout, law: Law, means: np.ndarray, cut: Cut) -> np.ndarray:
    """The gates that a cut closes.

    Args:
        layout: Where each gate is.
        law: What makes a gate's value of its mean.
        means: Shape ``(num_gates,)``.
        cut: Where.

    Returns:
        Boolean, shape ``(num_gates,)``: closed or not.
    """
    if cut.remove is not None:
        return gates_to_close(layout, means, cut.remove)
    assert cut.threshold is not None
    return gates_up_to(layout, law.value(means), cut.threshold)


def cut_snapshot(snapshot: Snapshot, cut: Cut) -> Snapshot:
    """A snapshot as it would be with its gates cut off elsewhere: for looking at, not computing.

    Gates that the cut closes are at the closing point, others that had closed just above it.
    """
    closed = gates_to_prune(snapshot.layout, snapshot.law, snapshot.means, cut)
    edge = np.float32(snapshot.law.closing_mean)
    just_open = edge + np.float32(_JUST_OPEN)
    means = np.where(closed, edge - np.float32(_JUST_OPEN), np.maximum(snapshot.means, just_open))
    return replace(snapshot, means=means.astype(np.float32))
