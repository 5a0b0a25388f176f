"""Groups of runs, and what finished runs came to: medians over seeds, costs of their cuts."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from app.reading.cache import changed_ns, copied
from app.reading.run_costs import RunCosts, read_costs
from app.rows import Row, is_active
from finegates.groups.file import Group
from finegates.groups.progress import GroupProgress, progress_of
from finegates.groups.store import list_groups
from finegates.jobs.tasks import RUNNING, TASKS_FOLDER, Task, read_task
from finegates.results import aggregate
from finegates.results.points import Point
from finegates.results.rows import RunRow, group_rows, rows_of, threshold_rows
from finegates.runs.folder import Run

Changes = tuple[tuple[str, int], ...]
"""Run ids, each with when its folder last changed."""


def all_groups(folder: Path) -> list[Group]:
    """Every group of runs, newest first; damaged ones last, with their ``problem``."""
    return list_groups(folder)


def first_group(groups: Sequence[Group], rows: Iterable[Row]) -> str:
    """The group that a page opens on: the newest with runs to come, else that of most finished."""
    states = {row["run"]: row for row in rows}
    known = {g.name: [states[run] for run in g.runs if run in states] for g in groups}
    for name, of_group in known.items():
        if any(map(is_active, of_group)):
            return name
    return max(known, key=lambda name: sum(r["status"] == "finished" for r in known[name]))


def group_progress(group: Group, folder: Path) -> GroupProgress:
    """Where each run of a group stands, and how long the rest will take."""
    return progress_of(group, folder)


def medians(
    folder: Path,
    rows: list[Row],
    groups: Sequence[Group] = (),
    *,
    thresholds: bool = False,
) -> list[Point]:
    """Medians over seeds of the runs of some groups, or of all finished ones.

    Args:
        folder: The runs folder.
        rows: From `app.reading.runs.run_rows`, of this moment.
        groups: The groups; without any, every run of the folder.
        thresholds: Also what was measured at thresholds.
    """
    done = {row["run"]: row for row in rows if row["status"] == "finished"}
    changes = _changes(folder, done)
    if not groups:  # Streamlit's own hash of all of it is slow
        return _of_runs(folder, hash(changes), thresholds, done)
    ours = {run for group in groups for run in group.runs}
    return _of_groups(folder, tuple(groups), tuple(c for c in changes if c[0] in ours), thresholds)


@copied(4)
def _of_runs(folder: Path, changes: int, thresholds: bool, _rows: dict[str, Row]) -> list[Point]:
    rows = [row for name in sorted(_rows) for row in rows_of(Run(folder / name), _rows[name])]
    return aggregate.points(rows + (_at_thresholds(folder, rows) if thresholds else []))


@copied(8, hash_funcs={Group: repr})
def _of_groups(
    folder: Path, groups: tuple[Group, ...], changes: Changes, thresholds: bool
) -> list[Point]:
    rows = [row for group in groups for row in group_rows(group, folder)]
    return aggregate.points(rows + (_at_thresholds(folder, rows) if thresholds else []))


def _at_thresholds(folder: Path, rows: list[RunRow]) -> list[RunRow]:
    trained = [row for row in rows if row.kind == aggregate.TRAINED and row.run]
    return [cut for row in trained for cut in threshold_rows(Run(folder / row.run), row)]


def costs_of(folder: Path, runs: Iterable[str]) -> dict[str, RunCosts]:
    """What was measured of each of these runs' cuts besides their score."""
    return _costs_of(folder, _changes(folder, runs))


@copied(4)
def _costs_of(folder: Path, changes: Changes) -> dict[str, RunCosts]:
    return {run: read_costs(Run(folder / run)) for run, _ in changes}


def curves_at_work(folder: Path, rows: Iterable[Row], name: str) -> dict[str, Task]:
    """Finished runs whose curve is being scored, each with how far that is.

    Args:
        folder: The runs folder.
        rows: From `app.reading.runs.run_rows`.
        name: Of the task.
    """
    ours = [Run(folder / row["run"]) for row in rows if row["status"] == "finished"]
    tasks = {run.id: read_task(run, name) for run in ours if (run.path / TASKS_FOLDER).is_dir()}
    return {run: task for run, task in tasks.items() if task and task.state == RUNNING}


def curve_marks(folder: Path, runs: Iterable[str]) -> Changes:
    """Something that is another value once one of these runs has a new point."""
    return _changes(folder, runs)


def _changes(folder: Path, runs: Iterable[str]) -> Changes:
    return tuple((run, changed_ns(folder / run)) for run in sorted({*runs}))
