"""How far a group is: where each of its runs stands, and how long the rest will take."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from finegates.errors import RunError
from finegates.groups.file import Cell, Group
from finegates.runs.folder import BROKEN, Run
from finegates.runs.status import ACTIVE_STATES, LIVE_STATES, Status

MISSING = "missing"
"""State of a cell that has no run, or whose run was deleted."""


@dataclass(frozen=True)
class CellProgress:
    """Where one run of a group stands.

    Attributes:
        cell: What was asked for.
        state: The run's state, ``missing`` or ``broken``.
        status: The run's status; None without a readable one.
    """

    cell: Cell
    state: str
    status: Status | None = None


@dataclass(frozen=True)
class GroupProgress:
    """Where a group stands.

    Attributes:
        cells: Every cell, in the group's order.
    """

    cells: tuple[CellProgress, ...]

    def in_state(self, *states: str) -> list[CellProgress]:
        """The cells in one of these states."""
        return [cell for cell in self.cells if cell.state in states]

    @property
    def live(self) -> list[CellProgress]:
        """Cells that a worker is at."""
        return self.in_state(*LIVE_STATES)

    @property
    def num_finished(self) -> int:
        """How many runs have finished."""
        return len(self.in_state("finished"))

    @property
    def failed(self) -> list[CellProgress]:
        """Cells that will not finish unless somebody does something."""
        return [cell for cell in self.cells if cell.state not in ("finished", *ACTIVE_STATES)]

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen by itself."""
        return not self.in_state(*ACTIVE_STATES)

    @property
    def time_left_s(self) -> float | None:
        """Seconds until the last run ends, if as many go on at once; None before any has a pace.

        A queued run is taken to last as long as the median of those that finished, or else of
        those that are running.
        """
        now = [cell.status for cell in self.live if cell.status]
        done = [c.status for c in self.in_state("finished") if c.status]
        typical = _typical_s(done) or _typical_s(now)
        if typical is None:
            return None
        left = [s.time_left_s if s.time_left_s is not None else typical for s in now]
        left += [typical] * len(self.in_state("queued"))
        return sum(left) / max(1, min(_num_at_once([*now, *done]), len(left)))


def progress_of(group: Group, runs_dir: Path) -> GroupProgress:
    """Where every run of a group stands now."""
    return GroupProgress(tuple(_progress(cell, runs_dir) for cell in group.cells))


def _progress(cell: Cell, runs_dir: Path) -> CellProgress:
    if cell.run is None or not (runs_dir / cell.run).is_dir():
        return CellProgress(cell, MISSING)
    try:
        status = Run(runs_dir / cell.run).status()
    except RunError:
        return CellProgress(cell, BROKEN)
    return CellProgress(cell, status.state, status)


def _num_at_once(statuses: Sequence[Status]) -> int:
    """How many runs were going on when the last of them began."""
    began = max((s.started for s in statuses if s.started), default=None)
    return sum(1 for s in statuses if began and s.started and (s.ended or began) >= began)


def _typical_s(statuses: Iterable[Status]) -> float | None:
    """Median of how long runs last; of a live one, what it has done and what it has left."""
    lasting = [
        (s.ended or s.heartbeat) - s.started + (s.time_left_s or 0.0)
        for s in statuses
        if s.started and (s.ended or s.time_left_s is not None)
    ]
    return statistics.median(lasting) if lasting else None
