"""Trains every method of the registry on a few rows of each task, each at the best of three rates.

    FINEGATES_CPU_WORKERS=2 python -m benchmarks.methods.compare --glue-dir PATH/glue_data \
        --runs-dir runs/methods [--tasks sst2,rte] [--methods lora,vera] [--seeds 0,1] \
        [--max-train-samples 500] [--epochs 5]

For each method and task: its own rate times 1/3, 1 and 3 is trained with rows put aside, and the
best on these is trained on all the rows with each seed, and scored on the validation rows. Goes on
where it was when started again. Writes benchmarks/results/methods_compared.json after each task;
``python -m benchmarks.methods.report`` then makes tables and picture of it.
"""

import argparse
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.frontier.run import wait_for
from benchmarks.methods.costs import step_cost
from benchmarks.methods.plan import (
    FINAL,
    HELD_OUT,
    SEARCH,
    SEARCH_SEED,
    SEEDS,
    TASKS,
    Sizes,
    cell_of,
    group_name,
    known_methods,
    rate_setting,
    rates,
)
from benchmarks.methods.points import best_of, compared
from benchmarks.record import write_result
from finegates.data.glue import GLUE_DIR_VARIABLE
from finegates.errors import SpecError, unknown_name
from finegates.files.storage import read_json, write_json
from finegates.groups.store import Group
from finegates.groups.sweep import start_sweep
from finegates.machine.devices import list_devices
from finegates.methods import METHODS
from finegates.settings import words_of

RESULT = "methods_compared.json"
COSTS_FILE = "step_costs.json"


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains, writes."""
    options = _parser().parse_args(arguments)
    # in the environment rather than in the specs, which would carry a path of this machine
    os.environ[GLUE_DIR_VARIABLE] = str(Path(options.glue_dir).resolve())
    runs_dir, sizes = options.runs_dir.resolve(), Sizes(options.epochs, options.max_train_samples)
    tasks = _known("task", words_of(options.tasks), TASKS)
    methods = known_methods(_known("method", words_of(options.methods), METHODS))
    seeds = [int(word) for word in words_of(options.seeds)]
    costs = measure_costs(methods, runs_dir)
    for task in tasks:
        train(task, methods, seeds, sizes, runs_dir)
        result = compared(runs_dir, costs)
        print(json.dumps({"task": task, "rows": len(result["rows"])}), flush=True)
        write_result(RESULT, result)


def measure_costs(methods: Iterable[str], runs_dir: Path) -> dict[str, dict[str, Any]]:
    """What a step of each method costs; what was measured before in this folder is not again."""
    runs_dir.mkdir(parents=True, exist_ok=True)
    path, device = runs_dir / COSTS_FILE, list_devices()[0].name
    costs = read_json(path) if path.exists() else {}
    for method in methods:
        if "step_ratio" not in costs.get(method, {}):
            costs[method] = step_cost(method, device)
            write_json(path, costs)
    return costs


def train(
    task: str, methods: Sequence[str], seeds: Sequence[int], sizes: Sizes, runs_dir: Path
) -> None:
    """Searches all methods' rates together, then trains all of their seeds; waits for both."""
    searches = {method: _start_search(task, method, sizes, runs_dir) for method in methods}
    wait_for([group for groups in searches.values() for group in groups], runs_dir)
    finals = []
    for method, groups in searches.items():
        rate = best_of(groups, runs_dir)
        finals += [] if rate is None else _start_seeds(task, method, rate, seeds, sizes, runs_dir)
    wait_for(finals, runs_dir)


def _start_search(task: str, method: str, sizes: Sizes, runs_dir: Path) -> list[Group]:
    shared = {**sizes.settings(task), "hold_out_fraction": HELD_OUT}
    return [
        start_sweep(
            runs_dir, group_name(task, method, SEARCH, place),
            {**shared, rate_setting(method): rate}, [cell_of(method, SEARCH_SEED)],
        )
        for place, rate in enumerate(rates(method))
    ]  # fmt: skip


def _start_seeds(
    task: str, method: str, rate: float, seeds: Sequence[int], sizes: Sizes, runs_dir: Path
) -> list[Group]:
    settings = {**sizes.settings(task), rate_setting(method): rate}
    return [
        start_sweep(
            runs_dir, group_name(task, method, FINAL, seed), settings, [cell_of(method, seed)]
        )
        for seed in seeds
    ]


def _known(kind: str, given: Sequence[str], allowed: Iterable[str]) -> Sequence[str]:
    for word in given:
        if word not in allowed:
            raise SpecError(unknown_name(kind, word, allowed))
    return given


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--glue-dir", required=True)
    parser.add_argument("--runs-dir", type=Path, required=True)
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--methods", default="", help="all of the registry if empty")
    parser.add_argument("--seeds", default=",".join(map(str, SEEDS)))
    parser.add_argument("--max-train-samples", type=int, default=Sizes.rows)
    parser.add_argument("--epochs", type=int, default=Sizes.epochs)
    return parser


if __name__ == "__main__":
    main()
