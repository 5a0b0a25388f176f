"""The gates of a run as the page shows them: at one step, closed up to a threshold."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from finegates.gates.laws import Law
from finegates.gates.layout import GateLayout
from finegates.gates.snapshots import Snapshot


@dataclass(frozen=True)
class GateView:
    """A snapshot whose gates up to a threshold count as closed. Stands in for the snapshot.

    Attributes:
        run: Id of the run.
        name: The run in few words, unlike the others that are shown.
        snapshot: Its gates at one step.
        threshold: Gates whose value is this or less are closed, in [0, 1).
    """

    run: str
    name: str
    snapshot: Snapshot
    threshold: float = 0.0

    @property
    def step(self) -> int:
        """Optimizer steps done."""
        return self.snapshot.step

    @property
    def layout(self) -> GateLayout:
        """Which gate is where."""
        return self.snapshot.layout

    @property
    def law(self) -> Law:
        """What a mean means."""
        return self.snapshot.law

    @cached_property
    def values(self) -> np.ndarray:
        """Gate values, 0 where closed, shape ``(num_gates,)``."""
        values = self.snapshot.values
        return np.where(values <= self.threshold, 0, values) if self.threshold else values

    @cached_property
    def closed(self) -> np.ndarray:
        """Which gates are closed: boolean, shape ``(num_gates,)``."""
        return self.values <= 0

    @cached_property
    def kept(self) -> np.ndarray:
        """Which gates are open: boolean, shape ``(num_gates,)``."""
        return ~self.closed

    @cached_property
    def dimension_values(self) -> np.ndarray:
        """What rows and columns of matrices are worth, shape ``(num_dimensions,)``."""
        return self.layout.spread(self.values)

    @cached_property
    def kept_dimensions(self) -> np.ndarray:
        """Which rows and columns are open: boolean, shape ``(num_dimensions,)``."""
        return ~self.layout.spread(self.closed)
