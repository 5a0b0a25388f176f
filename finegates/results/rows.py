"""Rows that a table of results is made from: finished runs, their curves, what a group expects."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from finegates.errors import FineGatesError, RunError
from finegates.gates.cuts import AS_TRAINED, Cut
from finegates.groups.file import Cell, Group
from finegates.results.points import ROUNDED, THRESHOLDS, TRAINED
from finegates.runs.folder import BROKEN, Run
from finegates.runs.label_errors import ERRORS
from finegates.runs.measurements import Rows, at_cut, read_points, read_thresholds, read_timings
from finegates.runs.names import data_name
from finegates.runs.provenance import without_the_place
from finegates.spec import FIELDS, make_spec

EXPECTED = "expected"
"""Status of a row that stands for a run which a group asks for."""


@dataclass(frozen=True)
class RunRow:
    """What one run, or one cut of it, brings to a table.

    Attributes:
        status: The run's state, ``broken`` where its curve is damaged, or ``expected``.
        task: The task.
        model: The model.
        method: The method.
        seed: The seed.
        target_fraction: Fraction to remove, in [0, 1]; of ``thresholds`` the gate value.
        run: The run's id; empty where none is known.
        kind: As of `finegates.results.points.Point`.
        trained_target: What a cut run had been trained for; None for ``trained``.
        settings: What was chosen that differs from the method's own settings.
        metric: Name of the metric.
        score: None before there is one.
        removed_weights_fraction: In [0, 1]; None if it is not known.
        source: Where the data is from.
        fingerprint: That of the data; empty if it is not known.
        num_train: Training rows.
        created: When the run was made, in ISO 8601.
        reason: Why it is in this state, in words.
        rmse: A regression's error in the label's own unit.
        rmse_of_mean: That of always answering the training rows' mean.
        speedup: Of the smaller model, as it was timed last.
        reference_score: Of the fine-tuned model that the run started from.
    """

    status: str
    task: str
    model: str
    method: str
    seed: int
    target_fraction: float
    run: str = ""
    kind: str = TRAINED
    trained_target: float | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    metric: str = ""
    score: float | None = None
    removed_weights_fraction: float | None = None
    source: str = ""
    fingerprint: str = ""
    num_train: int = 0
    created: str = ""
    reason: str = ""
    rmse: float | None = None
    rmse_of_mean: float | None = None
    speedup: float | None = None
    reference_score: float | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "RunRow":
        """From what `finegates.runs.folder.Run.row` gives of a run that is not broken."""
        names = (f.name for f in fields(cls))
        return cls(**{name: row[name] for name in names if row.get(name) is not None})

    @property
    def data_name(self) -> str:
        """What its data is called."""
        return data_name(self.task, self.source)

    @property
    def trained_for(self) -> float:
        """The target of the training."""
        return self.target_fraction if self.trained_target is None else self.trained_target

    def at_cut(self, kind: str, **changes: Any) -> "RunRow":
        """The row of the same run cut off afterwards."""
        return replace(self, kind=kind, trained_target=self.target_fraction, **changes)


def run_rows(runs: Iterable[Run], with_curves: bool = True) -> list[RunRow]:
    """Rows of finished runs, each followed by a row of kind ``rounded`` for each of its points.

    Args:
        runs: Runs in any state.
        with_curves: Read each ``curve.json`` too. A damaged one is a row of status ``broken``.
    """
    rows = []
    for run in runs:
        row = run.row()
        if row["status"] == "finished":
            rows += rows_of(run, row) if with_curves else [RunRow.of(row)]
    return rows


def rows_of(run: Run, row: Mapping[str, Any]) -> list[RunRow]:
    """The rows of one finished run, of which ``run.row()`` has been read before."""
    trained = RunRow.of(row)
    try:
        curve = read_points(run)
    except RunError as error:
        broken = trained.at_cut(ROUNDED, status=BROKEN, score=None, reason=str(error))
        return [trained, broken]
    rows = [(trained, AS_TRAINED)]
    rows += [(_measured(trained, ROUNDED, p, "remove"), Cut(remove=p["remove"])) for p in curve]
    if not _timings(run):
        return [row for row, _ in rows]
    return [replace(row, speedup=_speedup(run, cut)) for row, cut in rows]


def _timings(run: Run) -> Rows:
    try:
        return read_timings(run)
    except RunError:  # the pages that show times say so
        return []


def _speedup(run: Run, cut: Cut) -> float | None:
    try:
        timing = at_cut(run, cut).timing
    except RunError:
        return None
    return timing["speedup"] if timing else None


def threshold_rows(run: Run, trained: RunRow) -> list[RunRow]:
    """A row of kind ``thresholds`` for each threshold at which the run's smaller model was scored.

    Its ``target_fraction`` is the threshold. A damaged ``curve.json`` gives none: `rows_of` says
    that it is damaged.
    """
    try:
        curve = read_thresholds(run)
    except RunError:
        return []
    return [_measured(trained, THRESHOLDS, point, "threshold") for point in curve]


def group_rows(group: Group, runs_dir: Path) -> list[RunRow]:
    """Rows of a group's runs, and one of status ``expected`` for each cell.

    What was chosen for the group stands in place of what each method makes of it, so that nothing
    that its runs share distinguishes them.
    """
    settings = without_the_place(group.settings)
    present = [Run(runs_dir / name) for name in group.runs if (runs_dir / name).is_dir()]
    rows = [replace(row, settings=settings) for row in run_rows(present)]
    task, model = _place(group)
    file = group.settings.get("data")
    source = f"file:{Path(file).name}" if file else ""
    return rows + [expected_row(cell, task, model, settings, source) for cell in group.cells]


def expected_row(
    cell: Cell, task: str, model: str, settings: Mapping[str, Any], source: str = ""
) -> RunRow:
    """A row that stands for a run which a group asks for."""
    return RunRow(
        EXPECTED, task, model, cell.method, cell.seed, cell.target, settings=settings,
        source=source,
    )  # fmt: skip


def _measured(trained: RunRow, kind: str, point: Mapping[str, Any], asked: str) -> RunRow:
    found = {name: point[name] for name in ("score", "removed_weights_fraction")}
    found |= {name: (point.get("metrics") or {}).get(name) for name in ERRORS}
    return trained.at_cut(kind, target_fraction=point[asked], **found)


def _place(group: Group) -> tuple[str, str]:
    """Task and model of a group."""
    try:
        spec = make_spec(group.settings)
    except FineGatesError:  # made by another version of this program
        model = group.settings.get("model", FIELDS["model"].default)
        return str(group.settings.get("task", "")), str(model)
    return spec.task, spec.model
