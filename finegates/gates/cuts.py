"""Where gates are cut off: a threshold on their values, or a budget of weights. Loads no torch."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from finegates.errors import SpecError
from finegates.gates.laws import Law
from finegates.gates.layout import GateLayout
from finegates.gates.removal import gates_to_close
from finegates.gates.snapshots import Snapshot

CURVE_POINTS = 20
_JUST_OPEN = 1e-4


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
            return f"{100 * value:g}% of the weights removed"
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


def threshold_cuts(count: int = CURVE_POINTS) -> list[Cut]:
    """Evenly spaced thresholds from 0 to below 1, as many as asked."""
    return [Cut(threshold=round(number / count, 6)) for number in range(count)]


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
    return law.value(means) <= cut.threshold


def cut_snapshot(snapshot: Snapshot, cut: Cut) -> Snapshot:
    """A snapshot as it would be with its gates cut off elsewhere: for looking at, not computing.

    Gates that the cut closes are at the closing point, others that had closed just above it.
    """
    closed = gates_to_prune(snapshot.layout, snapshot.law, snapshot.means, cut)
    edge = np.float32(snapshot.law.closing_mean)
    just_open = edge + np.float32(_JUST_OPEN)
    means = np.where(closed, edge - np.float32(_JUST_OPEN), np.maximum(snapshot.means, just_open))
    return replace(snapshot, means=means.astype(np.float32))
