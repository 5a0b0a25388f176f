"""Trains the frontier through the queue, as a sweep a task, and writes its points.

    FINEGATES_CPU_WORKERS=2 python -m benchmarks.frontier.run --glue-dir PATH/glue_data \
        --runs-dir runs/frontier --profile cpu --tasks sst2,cola,stsb

Goes on where it was when started again. The results are in benchmarks/results/frontier.json; the
last line printed is that JSON.
"""

import argparse
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.frontier.plan import DENSE, PROFILES, ROUNDED_TO_EACH_TARGET, budgets, cells
from benchmarks.record import environment, write_result
from finegates.data.glue import GLUE_DIR_VARIABLE
from finegates.gates.cuts import Cut
from finegates.groups.store import Group, open_group
from finegates.groups.sweep import start_sweep
from finegates.machine.devices import list_devices
from finegates.measuring.evaluation import evaluate_cuts
from finegates.methods import DEFAULT_METHOD
from finegates.results.aggregate import group_points
from finegates.runs.folder import CURVE_FILE, open_run

RESULT = "frontier.json"
POLL_S = 5.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains, evaluates, writes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--glue-dir", required=True)
    parser.add_argument("--runs-dir", type=Path, required=True)
    parser.add_argument("--profile", choices=PROFILES, default="cpu")
    parser.add_argument("--tasks", help="default: all of the profile")
    options = parser.parse_args(arguments)
    # in the environment rather than in the specs, which would carry a path of this machine
    os.environ[GLUE_DIR_VARIABLE] = str(Path(options.glue_dir).resolve())
    profile = PROFILES[options.profile]
    tasks = options.tasks.split(",") if options.tasks else list(profile.tasks)
    runs_dir = options.runs_dir.resolve()
    groups = []
    for task in tasks:
        settings = {"task": task, **profile.tasks[task]}
        planned = cells(profile, task, DEFAULT_METHOD)
        groups.append(start_sweep(runs_dir, group_name(task), settings, planned))
    for group in groups:
        wait_for(group, runs_dir)
    for group, task in zip(groups, tasks, strict=True):
        round_afterwards(open_group(runs_dir, group.name), runs_dir, budgets(profile, task))
    result = frontier(runs_dir, tasks)
    write_result(RESULT, result)
    print(json.dumps(result))


def group_name(task: str) -> str:
    """The group of a task."""
    return f"frontier-{task}"


def wait_for(group: Group, runs_dir: Path) -> None:
    """Waits until nothing of a group is queued or running."""
    while True:
        group = open_group(runs_dir, group.name)
        statuses = [open_run(runs_dir, cell.run).status() for cell in group.cells if cell.run]
        if all(status.is_over for status in statuses):
            return
        time.sleep(POLL_S)


def round_afterwards(group: Group, runs_dir: Path, fractions: Sequence[float]) -> None:
    """Rounds to each budget what was not trained for one."""
    device = list_devices()[0].name
    for cell in group.cells:
        if cell.run and cell.method in (*DENSE, *ROUNDED_TO_EACH_TARGET):
            run = open_run(runs_dir, cell.run)
            if run.status().state == "finished" and not (run.path / CURVE_FILE).exists():
                cuts = [Cut(remove=fraction) for fraction in fractions]
                print(run.id, evaluate_cuts(run, cuts, device), flush=True)


def frontier(runs_dir: Path, tasks: Sequence[str]) -> dict:
    """The points of every task with what they were measured on."""
    groups = [open_group(runs_dir, group_name(task)) for task in tasks]
    return {
        **environment(),
        "settings": {group.name: dict(group.settings) for group in groups},
        "points": [asdict(p) for group in groups for p in group_points(group, runs_dir)],
    }


if __name__ == "__main__":
    main()
