"""Trains every method of the registry on a few rows of each task, each at the best of three rates.

    FINEGATES_CPU_WORKERS=2 python -m benchmarks.methods.compare --glue-dir PATH/glue_data \
        --runs-dir runs/methods [--tasks sst2,rte] [--methods lora,vera] [--seeds 0,1] \
        [--epochs 4] [--scale 1]

For each method: its own rate times 1/3, 1 and 3 is trained on one task and judged by rows put
aside; the best is trained on every task with each seed, and scored on the validation rows. Goes on
where it was when started again. Writes
benchmarks/results/methods_compared.json after each task, with what `benchmarks.methods.short` and
`benchmarks.methods.speeds` measured of steps and of smaller models;
``python -m benchmarks.methods.report`` then makes tables and picture of it.
"""

import argparse
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.methods.in_process import carry_out
from benchmarks.methods.plan import (
    FINAL,
    ROWS,
    SEARCH,
    SEARCH_SEED,
    SEARCHED,
    SEEDS,
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
from finegates.groups.store import Group
from finegates.groups.sweep import start_sweep
from finegates.methods import METHODS
from finegates.settings import words_of

RESULT = "methods_compared.json"


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains, writes."""
    options = _parser().parse_args(arguments)
    # in the environment rather than in the specs, which would carry a path of this machine
    os.environ[GLUE_DIR_VARIABLE] = str(Path(options.glue_dir).resolve())
    runs_dir, sizes = options.runs_dir.resolve(), Sizes(options.epochs, options.scale)
    tasks = _known("task", words_of(options.tasks), ROWS)
    methods = known_methods(_known("method", words_of(options.methods), METHODS))
    seeds = [int(word) for word in words_of(options.seeds)]
    runs_dir.mkdir(parents=True, exist_ok=True)
    for task in tasks:
        train(task, methods, seeds, sizes, runs_dir)
        result = compared(runs_dir)
        print(json.dumps({"task": task, "rows": len(result["rows"])}), flush=True)
        write_result(RESULT, result)


def train(
    task: str, methods: Sequence[str], seeds: Sequence[int], sizes: Sizes, runs_dir: Path
) -> None:
    """Searches all methods' rates, where that was not done, then trains all of their seeds."""
    searches = {method: _start_search(method, sizes, runs_dir) for method in methods}
    carry_out([group for groups in searches.values() for group in groups], runs_dir)
    finals = []
    for method, groups in searches.items():
        rate = best_of(groups, runs_dir)
        finals += [] if rate is None else _start_seeds(task, method, rate, seeds, sizes, runs_dir)
    carry_out(finals, runs_dir)


def _start_search(method: str, sizes: Sizes, runs_dir: Path) -> list[Group]:
    shared = sizes.settings(SEARCHED, SEARCH)
    return [
        start_sweep(
            runs_dir, group_name(SEARCHED, method, SEARCH, place),
            {**shared, rate_setting(method): rate}, [cell_of(method, SEARCH_SEED)], start=False,
        )
        for place, rate in enumerate(rates(method))
    ]  # fmt: skip


def _start_seeds(
    task: str, method: str, rate: float, seeds: Sequence[int], sizes: Sizes, runs_dir: Path
) -> list[Group]:
    settings = {**sizes.settings(task, FINAL), rate_setting(method): rate}
    return [
        start_sweep(
            runs_dir, group_name(task, method, FINAL, seed), settings, [cell_of(method, seed)],
            start=False,
        )
        for seed in seeds
    ]  # fmt: skip


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
    parser.add_argument("--tasks", default=",".join(ROWS))
    parser.add_argument("--methods", default="", help="all of the registry if empty")
    parser.add_argument("--seeds", default=",".join(map(str, SEEDS)))
    parser.add_argument("--epochs", type=int, default=Sizes.epochs)
    parser.add_argument("--scale", type=float, default=Sizes.scale, help="times each task's rows")
    return parser


if __name__ == "__main__":
    main()
