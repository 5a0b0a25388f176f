"""The points of the frontier, with what each loses against full fine-tuning on the same rows."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.frontier.plan import OFFICIAL, PREFIX, REFERENCE_PART, group_name, part_of
from benchmarks.record import environment
from finegates.errors import RunError
from finegates.groups.store import Group, list_groups, open_group
from finegates.measuring.paired import paired_drop
from finegates.results.aggregate import group_points
from finegates.results.points import TRAINED, Point
from finegates.runs.folder import open_run
from finegates.runs.predictions import Predictions, read_predictions

REACHES_NO_BUDGET = (OFFICIAL, "finegates-hinge")


def frontier(runs_dir: Path) -> dict[str, Any]:
    """Every group's points, tasks and parts in the order of their names, and where they come from.

    A point has ``part`` and, where its runs and the reference's kept their answers, ``drop``,
    ``drop_low`` and ``drop_high``: fractions, a 95% interval over rows and seeds, against the
    reference's runs of the same seeds.
    """
    groups = sorted(list_groups(runs_dir), key=lambda group: group.name)
    groups = [group for group in groups if group.name.startswith(PREFIX)]
    runs = [open_run(runs_dir, run) for group in groups for run in group.runs]
    return {
        **environment(),
        "trained_on": sorted({str(run.status().hardware) for run in runs}),
        "settings": {group.name: dict(group.settings) for group in groups},
        "points": [
            {**asdict(point), "part": part_of(group.name)[1], **_drop(point, runs_dir)}
            for group in groups
            for point in group_points(group, runs_dir)
            if not _reaches_no_budget(point)
        ],
    }


def _reaches_no_budget(point: Point) -> bool:
    """Whether a point is the gates of a recipe before they were rounded to a budget."""
    return point.kind == TRAINED and point.method in REACHES_NO_BUDGET


def _drop(point: Point, runs_dir: Path) -> dict[str, float]:
    if point.kind != TRAINED:
        return {}
    own = _answers(dict(zip(point.seeds, point.runs, strict=True)), runs_dir)
    references = _reference(point.task, runs_dir)
    same_seeds = {seed: references[seed] for seed in own if seed in references}
    reference = _answers(same_seeds or references, runs_dir)
    if not reference or not own:
        return {}
    labels = next(iter(own.values())).labels
    before, after = ([p.answers for p in side.values()] for side in (reference, own))
    found = paired_drop(point.metric, labels, before, after).to_dict()
    return {name: found[name] for name in ("drop", "drop_low", "drop_high")}


def _reference(task: str, runs_dir: Path) -> dict[int, str]:
    """Seed -> run of full fine-tuning."""
    try:
        group: Group = open_group(runs_dir, group_name(task, REFERENCE_PART))
    except RunError:
        return {}
    return {cell.seed: cell.run for cell in group.cells if cell.run}


def _answers(runs: Mapping[int, str], runs_dir: Path) -> dict[int, Predictions]:
    """Of the runs that kept them."""
    found = {}
    for seed, run_id in runs.items():
        try:
            found[seed] = read_predictions(open_run(runs_dir, run_id).path)
        except RunError:  # trained before answers were kept
            continue
    return found
