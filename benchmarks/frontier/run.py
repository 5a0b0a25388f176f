"""Trains the frontier through the queue, part by part.

    FINEGATES_CPU_WORKERS=2 python -m benchmarks.frontier.run --glue-dir PATH/glue_data \
        --runs-dir runs/frontier --seeds 0,1,2

Goes on where it was when started again. ``python -m scripts.ship_runs`` then puts what is finished
into cached_runs, and ``python -m benchmarks.frontier.report`` makes the tables of that.
"""

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.frontier.plan import (
    OFFICIAL,
    PARTS,
    REFERENCE_PART,
    TARGETS,
    TASKS,
    Part,
    cells,
    group_name,
    settings_of,
)
from finegates.data.glue import GLUE_DIR_VARIABLE
from finegates.errors import RunError
from finegates.gates.cuts import Cut
from finegates.groups.store import Group, open_group
from finegates.groups.sweep import start_sweep
from finegates.machine.devices import list_devices
from finegates.measuring.evaluation import evaluate_cuts
from finegates.runs.folder import CURVE_FILE, open_run
from finegates.settings import words_of

POLL_S = 5.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains, writes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--glue-dir", required=True)
    parser.add_argument("--runs-dir", type=Path, required=True)
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--parts", default=",".join(part.name for part in PARTS))
    parser.add_argument("--seeds", default="0,1,2")
    options = parser.parse_args(arguments)
    # in the environment rather than in the specs, which would carry a path of this machine
    os.environ[GLUE_DIR_VARIABLE] = str(Path(options.glue_dir).resolve())
    runs_dir, tasks = options.runs_dir.resolve(), words_of(options.tasks)
    parts = [part for part in PARTS if part.name in words_of(options.parts)]
    for seed in map(int, words_of(options.seeds)):
        for part in parts:
            if seed < part.seeds:
                _train(part, tasks, seed, runs_dir)


def _train(part: Part, tasks: Sequence[str], seed: int, runs_dir: Path) -> None:
    """Queues a part of every task, and waits until all of it is over."""
    groups = [_start(part, task, seed, runs_dir) for task in tasks]
    wait_for(groups, runs_dir)
    for group in groups if OFFICIAL in part.methods else ():
        _round(open_group(runs_dir, group.name), runs_dir)


def _start(part: Part, task: str, seed: int, runs_dir: Path) -> Group:
    settings = settings_of(part, task)
    if part.starts:
        settings["start_from"] = reference_of(task, seed, runs_dir)
    return start_sweep(
        runs_dir, group_name(task, part.name, seed), settings, cells(part, task, seed)
    )


def reference_of(task: str, seed: int, runs_dir: Path) -> str:
    """The id of the dense run of a task and seed."""
    (run_id,) = open_group(runs_dir, group_name(task, REFERENCE_PART, seed)).runs
    if open_run(runs_dir, run_id).status().state != "finished":
        raise RunError(f"{run_id} has not finished; train the part '{REFERENCE_PART}' first.")
    return run_id


def wait_for(groups: Sequence[Group], runs_dir: Path) -> None:
    """Until all runs of these groups are over."""
    while any(_is_at_work(group, runs_dir) for group in groups):
        time.sleep(POLL_S)


def _is_at_work(group: Group, runs_dir: Path) -> bool:
    runs = open_group(runs_dir, group.name).runs
    return not all(open_run(runs_dir, run).status().is_over for run in runs)


def _round(group: Group, runs_dir: Path) -> None:
    """Rounds the official gates, which reach no budget, to each."""
    device = list_devices()[0].name
    for run in (open_run(runs_dir, run_id) for run_id in group.runs):
        if run.status().state == "finished" and not (run.path / CURVE_FILE).exists():
            evaluate_cuts(run, [Cut(remove=target) for target in TARGETS], device)


if __name__ == "__main__":
    main()
