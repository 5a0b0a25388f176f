"""A group made of runs that are there already, picked one by one.

A group is what a sweep makes: the same settings for all, over methods, targets and seeds. So it can
be repeated and gone on with, and its runs can be averaged over seeds. Runs that differ in more are
no group; tags keep those together (`finegates.runs.notes`).
"""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from finegates.errors import FineGatesError, RunError
from finegates.groups.file import Cell, Group
from finegates.groups.plan import VARIED, plan, sweep_command
from finegates.groups.store import create_group
from finegates.methods import METHODS
from finegates.runs.folder import Run
from finegates.runs.provenance import chosen_settings
from finegates.spec import make_spec

_PLACE = "device"
"""Where a run trains decides no result, so a group may have been trained on several devices."""


def group_runs(runs_dir: Path, name: str, runs: Sequence[Run]) -> Group:
    """Makes a group of runs, as if one sweep had made them.

    Args:
        runs_dir: Folder of all runs.
        name: The group's name.
        runs: Sound runs in any state, in the order that the group will have.

    Raises:
        FineGatesError: If the runs differ in more than method, target and seed, two of them agree
            in all three, one can't be read, or the name can't be used.
    """
    if not runs:
        raise RunError("A group needs at least one run; none was picked.")
    _check_same_data(runs)
    settings = _shared_settings(runs)
    cells = [Cell(r.spec.method, r.spec.target_sparsity, r.spec.seed, r.id) for r in runs]
    _check_once(cells)
    group = create_group(runs_dir, name, settings, cells, _command(name, settings, cells))
    if {*group.runs} != {run.id for run in runs}:
        raise RunError(f"There is a group '{name}' already, of other runs. Choose another name.")
    return group


def _command(name: str, settings: Mapping[str, Any], cells: Sequence[Cell]) -> str:
    """Repeats the whole grid; where the runs are a part of one, goes on with them by name."""
    targets = [cell.target for cell in cells if METHODS[cell.method].removes]
    grid = plan([cell.method for cell in cells], targets, [cell.seed for cell in cells])
    if {cell.key for cell in grid} == {cell.key for cell in cells}:
        return shlex.join(sweep_command(name, settings, cells))
    return shlex.join(["python", "-m", "finegates", "sweep", "--name", name])


def _shared_settings(runs: Sequence[Run]) -> dict[str, Any]:
    """Settings that, with method, target and seed, give the spec of each run."""
    shared: dict[str, Any] = {}
    for run in runs:
        shared |= {k: v for k, v in chosen_settings(run.spec).items() if k not in VARIED}
    shared.pop(_PLACE, None)
    if differing := sorted({name for run in runs for name in _differing(run, shared)}):
        raise RunError(
            "The runs of a group differ in nothing but method, target and seed, so that they can "
            f"be averaged and repeated as one sweep. These differ in {', '.join(differing)} too. "
            "Give them a tag in place of a group, or compare them."
        )
    return shared


def _differing(run: Run, shared: dict[str, Any]) -> list[str]:
    own = run.spec.to_dict()
    varied = {name: own[name] for name in VARIED}
    try:
        built = make_spec({**shared, **varied}).to_dict()
    except FineGatesError:
        return [k for k, v in shared.items() if own[k] != v] or ["settings"]
    return [name for name in own if own[name] != built[name] and name != _PLACE]


def _check_same_data(runs: Sequence[Run]) -> None:
    first_of: dict[Any, str] = {}
    for run in runs:
        first_of.setdefault(run.record["data"].get("fingerprint"), run.id)
    if len(first_of) > 1:
        first, second, *_ = first_of.values()
        raise RunError(
            f"The runs of a group have the same data; that of {first} and {second} differs. Pick "
            "runs of one data set, or give them a tag in place of a group."
        )


def _check_once(cells: Sequence[Cell]) -> None:
    seen: dict[tuple, Cell] = {}
    for cell in cells:
        if other := seen.get(cell.key):
            raise RunError(
                f"{other.run} and {cell.run} have the same method, target and seed "
                f"({cell.method}, {cell.target:g}, {cell.seed}); a group has one run for each. "
                "Leave one of them out."
            )
        seen[cell.key] = cell
