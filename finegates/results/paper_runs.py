"""Compares the user's runs with the paper's tables: only identical settings share a cell."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from finegates.groups.plan import plan, sweep_command
from finegates.methods import METHODS
from finegates.results.paper import BACKBONES, NUM_SEEDS, PaperCell, backbone_of
from finegates.results.points import TRAINED, Point
from finegates.results.rows import RunRow
from finegates.runs.folder import BROKEN
from finegates.runs.status import ACTIVE_STATES

TARGET_TOLERANCE = 0.005
"""Half a point of the gated weights: a typed 14 % is the 14.1 % of a cell."""
SHAPES = (
    "lora_rank", "lora_place", "target_modules", "gate_sides", "teacher", "hold_out_fraction",
    "max_train_samples",
)  # fmt: skip
"""Settings that make a run another recipe, or one on other data. Whatever else was chosen, as the
epochs, is tuning, and is shown next to the score."""


@dataclass(frozen=True)
class Comparison:
    """A figure of the paper and what the user has of it.

    Attributes:
        cell: The figure.
        own: The user's medians over seeds of this very cell, the one of most seeds (then of the
            newest run) first; several where runs differ in tuning.
        under_way: Seeds that are queued or training.
    """

    cell: PaperCell
    own: tuple[Point, ...] = ()
    under_way: tuple[int, ...] = ()

    @property
    def score(self) -> float | None:
        """The user's median x 100."""
        return 100 * self.own[0].median if self.own and self.own[0].median is not None else None

    @property
    def difference(self) -> float | None:
        """The user's median x 100 less the paper's figure, in points."""
        return None if self.score is None else self.score - self.cell.score

    @property
    def missing(self) -> tuple[int, ...]:
        """Seeds to run until there are as many as in the paper, none of them used yet."""
        if self.cell.method is None:
            return ()
        used = {*(self.own[0].seeds if self.own else ()), *self.under_way}
        first = max(used, default=-1) + 1
        return tuple(range(first, first + NUM_SEEDS - len(used)))


@dataclass(frozen=True)
class Fill:
    """A sweep that fills cells: every method at every target with every seed."""

    task: str
    backbone: str
    methods: tuple[str, ...]
    targets: tuple[float, ...]
    seeds: tuple[int, ...]
    settings: Mapping[str, Any]

    def command(self, name: str) -> list[str]:
        """The command line of the sweep under this name."""
        given = {"task": self.task, "model": BACKBONES[self.backbone], **self.settings}
        return sweep_command(name, given, plan(self.methods, self.targets, self.seeds))

    @property
    def num_runs(self) -> int:
        """How many runs it has."""
        return len(plan(self.methods, self.targets, self.seeds))


def compare(
    cells: Iterable[PaperCell], points: Iterable[Point], rows: Iterable[Mapping[str, Any]]
) -> list[Comparison]:
    """What the user has of each cell.

    Args:
        cells: From `finegates.results.paper.cells_of`.
        points: From `finegates.results.aggregate.points`, of all runs.
        rows: A row for each run in any state, as `finegates.runs.folder.Run.row` gives it.
    """
    by_id = _by_id(rows)
    trained = [p for p in points if p.kind == TRAINED and p.runs and p.runs[0] in by_id]
    active = [row for row in by_id.values() if row.status in ACTIVE_STATES]
    found = []
    for cell in cells:
        own = [p for p in trained if not difference(cell, by_id[p.runs[0]])]
        own.sort(key=lambda p: (len(p.seeds), _newest(p, by_id)), reverse=True)
        waiting = sorted({row.seed for row in active if not difference(cell, row)})
        done = own[0].seeds if own else ()
        found.append(Comparison(cell, tuple(own), tuple(s for s in waiting if s not in done)))
    return found


def difference(cell: PaperCell, row: RunRow) -> str:
    """Why a run is not of this cell, in words; empty if it is."""
    return next((why for holds, why in _checks(cell, row) if not holds), "")


def wanted_settings(cell: PaperCell) -> dict[str, Any]:
    """Settings that a run of the cell has to be given besides task, model, method and target."""
    rows = {} if cell.train_rows is None else {"max_train_samples": cell.train_rows}
    return {**cell.settings, **rows}


def _checks(cell: PaperCell, row: RunRow) -> list[tuple[bool, str]]:
    """What a run of the cell has to be, what matters most first, and what else this one is."""
    settings, shape = row.settings, wanted_settings(cell)
    other = [name for name in SHAPES if settings.get(name) != shape.get(name)]
    rows, wanted = "max_train_samples", f"{cell.train_rows:,}" if cell.train_rows else "all"
    apart = [f"{name}={settings.get(name)}" for name in other if name != rows]
    near = abs(row.target_fraction - cell.target) <= TARGET_TOLERANCE
    return [
        (row.task == cell.task, f"another task: {row.task}"),
        (backbone_of(row.model) == cell.backbone, f"another model: {row.model}"),
        (rows not in other, f"{row.num_train:,} training rows; the paper used {wanted}"),
        (row.method == cell.method, f"not a row of the table: {row.method}"),
        (not apart, f"another {', '.join(apart)}"),
        (near, f"another target: {100 * row.target_fraction:g} %"),
    ]


def told_apart(
    points: Iterable[Point],
    rows: Iterable[Mapping[str, Any]],
    comparisons: Sequence[Comparison],
) -> list[tuple[Point, str]]:
    """The user's runs on tasks of these cells that are in none of them, and why.

    The reason is that of the cell that the runs come nearest to.
    """
    by_id = _by_id(rows)
    taken = {point.runs for c in comparisons for point in c.own}
    cells = [c.cell for c in comparisons]
    found = []
    for point in points:
        ours = [cell for cell in cells if cell.task == point.task]
        if point.kind != TRAINED or not point.runs or point.runs in taken or not ours:
            continue
        if row := by_id.get(point.runs[0]):
            nearest = max(ours, key=lambda cell: _passed(cell, row))
            found.append((point, difference(nearest, row)))
    return found


def _passed(cell: PaperCell, row: RunRow) -> int:
    """How many checks a run passes before one fails."""
    return [holds for holds, _ in _checks(cell, row)].index(False)


def fills(comparisons: Iterable[Comparison]) -> list[Fill]:
    """The fewest sweeps that start what is missing and nothing else."""
    wanted: dict[tuple, dict[str, list[float]]] = {}
    for c in comparisons:
        if c.cell.method is not None and c.missing:
            settings = tuple(sorted(wanted_settings(c.cell).items()))
            place = (c.cell.task, c.cell.backbone, c.missing, settings)
            wanted.setdefault(place, {}).setdefault(c.cell.method, []).append(c.cell.target)
    return [
        Fill(task, backbone, methods, targets, seeds, dict(settings))
        for (task, backbone, seeds, settings), targets_of in wanted.items()
        for methods, targets in _products(targets_of)
    ]


def _products(targets_of: Mapping[str, list[float]]) -> list[tuple[tuple[str, ...], tuple]]:
    """Methods that want the same targets go together; dense ones, which have none, with the first.

    Args:
        targets_of: Method -> targets.
    """
    together: dict[tuple[float, ...], list[str]] = {}
    for method, targets in targets_of.items():
        if METHODS[method].removes:
            together.setdefault(tuple(dict.fromkeys(targets)), []).append(method)
    first = next(iter(together), ())
    dense = [method for method in targets_of if not METHODS[method].removes]
    together[first] = dense + together.get(first, [])
    return [(tuple(methods), targets) for targets, methods in together.items()]


def _by_id(rows: Iterable[Mapping[str, Any]]) -> dict[str, RunRow]:
    return {row["run"]: RunRow.of(row) for row in rows if row["status"] != BROKEN}


def _newest(point: Point, by_id: Mapping[str, RunRow]) -> str:
    return max(by_id[run].created for run in point.runs if run in by_id)
