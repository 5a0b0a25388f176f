"""Rows that a table of results is made from: finished runs, their curves, what a group expects."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from finegates.errors import FineGatesError, RunError
from finegates.groups.file import Cell, Group
from finegates.results.point import ROUNDED, THRESHOLDS, TRAINED
from finegates.runs.curve import read_points, read_thresholds
from finegates.runs.folder import BROKEN, Run
from finegates.runs.provenance import without_the_place
from finegates.spec import make_spec

EXPECTED = "expected"
"""Status of a row that stands for a run which a group asks for."""


def run_rows(runs: Iterable[Run], with_curves: bool = True) -> list[dict[str, Any]]:
    """Rows of finished runs, each followed by a row of kind ``rounded`` for each of its points.

    Args:
        runs: Runs in any state.
        with_curves: Read each ``curve.json`` too. A damaged one is a row of status ``broken``.
    """
    rows = []
    for run in runs:
        row = run.row()
        if row["status"] == "finished":
            rows += rows_of(run, row) if with_curves else [_trained_row(row)]
    return rows


def rows_of(run: Run, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of one finished run, of which ``run.row()`` has been read before."""
    return [_trained_row(row), *_rounded_rows(run, row)]


def threshold_rows(run: Run, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row of kind ``thresholds`` for each threshold at which the run's smaller model was scored.

    Its ``target_fraction`` is the threshold. A damaged ``curve.json`` gives none: `rows_of` says
    that it is damaged.
    """
    try:
        curve = read_thresholds(run)
    except RunError:
        return []
    cut = {**row, "kind": THRESHOLDS, "trained_target": row["target_fraction"]}
    return [_measured(cut, point, "threshold") for point in curve]


def group_rows(group: Group, runs_dir: Path) -> list[dict[str, Any]]:
    """Rows of a group's runs, and one of status ``expected`` for each cell.

    What was chosen for the group stands in place of what each method makes of it, so that nothing
    that its runs share tells them apart.
    """
    settings = without_the_place(group.settings)
    there = [Run(runs_dir / name) for name in group.runs if (runs_dir / name).is_dir()]
    rows = [{**row, "settings": settings} for row in run_rows(there)]
    task, model = _place(group)
    return rows + [expected_row(cell, task, model, settings) for cell in group.cells]


def expected_row(cell: Cell, task: str, model: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """A row that stands for a run which a group asks for."""
    return {
        "status": EXPECTED,
        "kind": TRAINED,
        "task": task,
        "model": model,
        "method": cell.method,
        "seed": cell.seed,
        "target_fraction": cell.target,
        "trained_target": None,
        "settings": dict(settings),
        "metric": "",
        "fingerprint": "",
    }


def _trained_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "kind": TRAINED, "trained_target": None}


def _rounded_rows(run: Run, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    rounded = {**row, "kind": ROUNDED, "trained_target": row["target_fraction"]}
    try:
        curve = read_points(run)
    except RunError as error:
        return [{**rounded, "status": BROKEN, "score": None, "reason": str(error)}]
    return [_measured(rounded, point, "remove") for point in curve]


def _measured(row: Mapping[str, Any], point: Mapping[str, Any], asked: str) -> dict[str, Any]:
    return {
        **row,
        "target_fraction": point[asked],
        "score": point["score"],
        "removed_weights_fraction": point["removed_weights_fraction"],
        "closed_gates_fraction": point.get("closed_gates_fraction"),
        "reopened_gates": point.get("reopened_gates"),
    }


def _place(group: Group) -> tuple[str, str]:
    """Task and model of a group."""
    try:
        spec = make_spec(group.settings)
    except FineGatesError:  # made by another version of this program
        return str(group.settings.get("task", "")), str(group.settings.get("model", ""))
    return spec.task, spec.model
