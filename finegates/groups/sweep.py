"""Sweeps: methods x targets x seeds as one group of runs. Page and command line use the same.

A run's id is written into the group before the run is made. So, whenever a sweep is cut short, an
id in the group is a run or is nothing, and going on makes no run twice.
"""

import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path
from typing import Any

from finegates.errors import DataError, RunError, SpecError
from finegates.files.read_only import check_may_change
from finegates.groups.plan import VARIED, plan, sweep_command
from finegates.groups.progress import progress_of
from finegates.groups.store import (
    Cell,
    Group,
    create_group,
    difference,
    group_path,
    groups_lock,
    open_group,
    save_group,
)
from finegates.jobs import control as jobs
from finegates.jobs import dispatcher
from finegates.jobs.inputs import check_inputs_together
from finegates.models.record import BASE_MODEL
from finegates.runs.folder import BROKEN, Run, new_run_id
from finegates.runs.launch import HERE, Launch, is_local, read_launch
from finegates.spec import RunSpec, make_spec

__all__ = ["Checked", "check_cells", "plan", "start_sweep", "submit_missing", "sweep_command"]


@dataclass(frozen=True)
class Checked:
    """What `check_cells` found.

    Attributes:
        settings: The chosen settings, with absolute paths, as JSON types.
        specs: ``Cell.key`` -> the spec of its run.
        data: What every run records of its data.
    """

    settings: Mapping[str, Any]
    specs: Mapping[tuple[str, float, int], RunSpec]
    data: Mapping[str, Any]


def check_cells(
    settings: Mapping[str, Any],
    cells: Sequence[Cell],
    launch: Launch = HERE,
    runs_dir: Path | None = None,
) -> Checked:
    """Makes the spec of every cell and checks it; data, model and device are looked at once.

    Args:
        settings: What is chosen for all runs. Where one is left out (or None), each method's own
            value counts.
        cells: The runs.
        launch: Who is to start them.
        runs_dir: Folder of all runs; the default one if not given.

    Raises:
        FineGatesError: If one of the runs could not work.
    """
    if not cells:
        raise SpecError("A sweep without runs was given; name at least one method and seed.")
    chosen = {name: value for name, value in settings.items() if value is not None}
    for name in VARIED.keys() & chosen.keys():
        raise SpecError(f"{name} is what a sweep varies; give {VARIED[name]} in place of it.")
    specs = [
        make_spec({**chosen, "method": c.method, "target_sparsity": c.target, "seed": c.seed})
        for c in cells
    ]
    jobs.check_launch(specs[0], launch)
    checked, data = check_inputs_together(specs, here=launch.is_local, runs_dir=runs_dir)
    plain = checked[0].to_dict()
    by_key = {cell.key: spec for cell, spec in zip(cells, checked, strict=True)}
    return Checked({name: plain[name] for name in chosen}, by_key, data)


def start_sweep(
    runs_dir: Path,
    name: str | None,
    settings: Mapping[str, Any],
    cells: Sequence[Cell],
    launch: Launch | None = None,
    *,
    start: bool = True,
) -> Group:
    """Checks every run, makes the group or goes on with the same one, and queues what is missing.

    Args:
        runs_dir: Folder of all runs.
        name: The group's name; ``sweep-<date>-<task>`` if None, with a number behind it where
            another sweep has that name.
        settings: What is chosen for all runs.
        cells: The runs, from `plan`.
        launch: Who is to start what is missing; this machine if not given.
        start: Whether to start a dispatcher; a caller that carries out the runs itself does not.

    Raises:
        FineGatesError: If one of the runs could not work, or the name is taken by another group;
            nothing is made or queued then.
    """
    check_may_change("start a sweep")
    checked = check_cells(settings, cells, launch or HERE, runs_dir)
    name = name or _default_name(runs_dir, checked, cells)
    command = shlex.join(sweep_command(name, checked.settings, cells, launch or HERE))
    group = create_group(runs_dir, name, checked.settings, cells, command)
    return submit_missing(group, runs_dir, checked, launch, start=start)


def submit_missing(
    group: Group,
    runs_dir: Path,
    checked: Checked | None = None,
    launch: Launch | None = None,
    *,
    start: bool = True,
) -> Group:
    """Queues every run of a group that is not there, and resumes those that did not finish.

    Args:
        group: The group; its file is read again: another process may have gone on with it.
        runs_dir: Folder of all runs.
        checked: From `check_cells`, where that was done before.
        launch: What starts the runs queued now. If not given: what started a run before, and for a
            run that does not exist, what started the others of the group.
        start: As in `start_sweep`.

    Returns:
        The group as it is now.

    Raises:
        FineGatesError: If a run could not work, or data or model are no longer those of the
            group's runs.
    """
    check_may_change("submit runs")
    with groups_lock(runs_dir):
        group = open_group(runs_dir, group.name)
        missing = [cell for cell in group.cells if not _goes_on(cell, runs_dir, launch)]
        if missing:
            launch = launch or _launch_of(group, runs_dir)
            checked = checked or check_cells(group.settings, group.cells, launch, runs_dir)
            _check_same_inputs(group, runs_dir, checked.data)
            for cell in missing:
                group = _submit(group, cell, checked, runs_dir, launch)
    waiting = [c.cell.run for c in progress_of(group, runs_dir).in_state("queued")]
    if start and any(is_local(runs_dir / run) for run in waiting if run):
        dispatcher.start_dispatcher(runs_dir)
    return group


def _default_name(runs_dir: Path, checked: Checked, cells: Sequence[Cell]) -> str:
    task = next(iter(checked.specs.values())).task
    first = f"sweep-{datetime.now(UTC):%Y%m%d}-{task}"
    for name in chain([first], (f"{first}-{number}" for number in count(2))):
        if not group_path(runs_dir, name).exists():
            return name
        with suppress(RunError):  # a damaged file has the name
            if not difference(open_group(runs_dir, name), checked.settings, cells):
                return name
    raise AssertionError("there is always a next number")


def _goes_on(cell: Cell, runs_dir: Path, launch: Launch | None) -> bool:
    """Whether the cell's run exists, sound and finished or under way; it may be resumed here."""
    run = Run(runs_dir / cell.run) if cell.run else None
    if run is None or not run.path.is_dir() or run.row()["status"] == BROKEN:
        return False
    if run.status().state in jobs.RESUMABLE_STATES:
        try:
            jobs.resume(run, start=False, launch=launch)
        except RunError:
            if run.status().state in jobs.RESUMABLE_STATES:  # else somebody else was quicker
                raise
    return True


def _launch_of(group: Group, runs_dir: Path) -> Launch:
    """Who started the group's other runs; of a job that is another run's, only what was asked."""
    for run_id in group.runs:
        with suppress(RunError):
            if not (launch := read_launch(runs_dir / run_id)).is_local:
                return Launch(launch.launcher, launch.settings)
    return HERE


def _submit(group: Group, cell: Cell, checked: Checked, runs_dir: Path, launch: Launch) -> Group:
    """Queues a run of a group; its id is in the group's file before the run is made."""
    spec = checked.specs[cell.key]
    run_id = new_run_id(spec)
    group = group.with_run(cell, run_id)
    save_group(group)
    data = checked.data
    jobs.submit(spec, runs_dir, checked_data=data, run_id=run_id, start=False, launch=launch)
    return group


def _check_same_inputs(group: Group, runs_dir: Path, data: Mapping[str, Any]) -> None:
    names = {"fingerprint": "data", BASE_MODEL: "model"}
    for run_id in group.runs:
        with suppress(RunError):  # a damaged run is made again
            recorded = Run(runs_dir / run_id).record["data"]
            for key, what in names.items():
                if recorded.get(key) not in (None, data.get(key)):
                    raise DataError(
                        f"The {what} of the group '{group.name}' has changed since {run_id} was "
                        "made; the scores could not be compared. Make a new group on it, under "
                        "another name."
                    )
