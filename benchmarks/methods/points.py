"""What the runs of a comparison came to, read from their folder alone."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.methods.plan import (
    FINAL,
    ROWS,
    SEARCH,
    SEARCH_SEED,
    SEARCHED,
    TARGET,
    part_of,
    rate_setting,
)
from benchmarks.methods.short import RESULT as SHORT_RESULT
from benchmarks.methods.speeds import read_speeds
from benchmarks.record import RESULTS, environment, read_result
from finegates.data.metric_kinds import goodness
from finegates.groups.progress import MISSING, progress_of
from finegates.groups.store import Group, list_groups
from finegates.methods import METHODS
from finegates.results.compared import FINISHED
from finegates.runs.status import Status

_OF_ALL = ("model", "epochs", "batch_size")


def best_of(searches: Iterable[Group], runs_dir: Path) -> float | None:
    """The rate of the best score on the rows put aside; None if no search finished."""
    found = {}
    for group in searches:
        rate, (state, status) = rate_of(group), end_of(group, runs_dir)
        if state == FINISHED and status.score is not None:
            found[rate] = goodness(status.metric, status.score)
    return max(found, key=found.__getitem__) if found else None


def rate_of(group: Group) -> float:
    """The rate that a group's run was given."""
    return group.settings[rate_setting(group.cells[0].method)]


def end_of(group: Group, runs_dir: Path) -> tuple[str, Status]:
    """State and status of a group's one run."""
    (cell,) = progress_of(group, runs_dir).cells
    return cell.state, cell.status or Status(state=MISSING)


def compared(runs_dir: Path) -> dict[str, Any]:
    """The comparison as it is published, in the order of tasks, methods and seeds.

    Args:
        runs_dir: Folder of its runs.
    """
    groups = sorted(list_groups(runs_dir), key=lambda group: group.name)
    groups = [g for g in groups if part_of(g.name) and g.cells[0].method in METHODS]
    together: dict[tuple[str, str, str], list[Group]] = {}
    for group in groups:
        key = (group.settings["task"], group.cells[0].method, part_of(group.name))
        together.setdefault(key, []).append(group)
    methods = sorted({group.cells[0].method for group in groups}, key=[*METHODS].index)
    costs, speeds = measured_costs(), read_speeds(runs_dir)
    finals = [group.settings for group in groups if part_of(group.name) == FINAL]
    rows = {settings["task"]: settings["max_train_samples"] for settings in finals}
    tasks = [task for task in ROWS if task in rows] or [SEARCHED]
    return {
        **environment(),
        "trained_on": _trained_on(groups, runs_dir),
        "settings": {**_shared(groups), "target": TARGET, "searched": SEARCHED, "rows": rows},
        "rows": [
            row
            for task in tasks
            for method in methods
            for row in _rows(task, method, together, costs.get(method, {}), speeds, runs_dir)
        ],
        "searches": {
            method: [
                _searched(group, runs_dir) for group in together.get((SEARCHED, method, SEARCH), [])
            ]
            for method in methods
        },
    }


def measured_costs() -> dict[str, Mapping[str, Any]]:
    """Method -> what a step of it costs, of `benchmarks.methods.short`; none if that never ran."""
    steps = read_result(SHORT_RESULT).get("steps", []) if (RESULTS / SHORT_RESULT).exists() else []
    return {row["method"]: row for row in steps}


def _rows(
    task: str,
    method: str,
    groups: Mapping[tuple[str, str, str], list[Group]],
    cost: Mapping[str, Any],
    speeds: Mapping[str, float],
    runs_dir: Path,
) -> list[dict[str, Any]]:
    """A row for each seed; where no rate could be chosen, one that says why."""
    searches = groups.get((SEARCHED, method, SEARCH), [])
    about = {
        "method": method,
        "task": task,
        "rate_setting": rate_setting(method),
        "step_ratio": cost.get("step_ratio"),
    }
    finals = groups.get((task, method, FINAL), [])
    if over := [group for group in finals if end_of(group, runs_dir)[1].is_over]:
        return [about | _row(group, rate_of(group), speeds, runs_dir) for group in over]
    if searches and not finals and best_of(searches, runs_dir) is None:
        return [about | _row(searches[0], None, speeds, runs_dir)]
    return []


def _row(
    group: Group, rate: float | None, speeds: Mapping[str, float], runs_dir: Path
) -> dict[str, Any]:
    (state, status), (cell,) = end_of(group, runs_dir), group.cells
    removes = METHODS[cell.method].removes
    return {
        "seed": cell.seed if rate is not None else SEARCH_SEED,
        "state": state,
        "reason": status.reason,
        "metric": status.metric,
        "score": status.score if state == FINISHED else None,
        "only_answer": status.only_answer,
        "trainable_params": status.trainable_params,
        "removed_weights_fraction": status.removed_weights_fraction if removes else None,
        "speedup": speeds.get(cell.run),
        "rate": rate,
    }


def _searched(group: Group, runs_dir: Path) -> dict[str, Any]:
    state, status = end_of(group, runs_dir)
    return {"rate": rate_of(group), "state": state, "score": status.score, "reason": status.reason}


def _shared(groups: Iterable[Group]) -> dict[str, Any]:
    """What all runs have in common; of several sizes all are told."""
    found = {name: {group.settings.get(name) for group in groups} for name in _OF_ALL}
    return {
        name: next(iter(values)) if len(values) == 1 else sorted(values, key=str)
        for name, values in found.items()
    }


def _trained_on(groups: Iterable[Group], runs_dir: Path) -> list[str]:
    return sorted({s.hardware for g in groups if (s := end_of(g, runs_dir)[1]).hardware})
