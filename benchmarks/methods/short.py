"""Trains every method of the registry for one short epoch on classes and on numbers.

    FINEGATES_CPU_WORKERS=2 python -m benchmarks.methods.short --glue-dir PATH/glue_data \
        --runs-dir runs/short [--only runs|steps]

Not a comparison: 500 rows teach nothing. It shows that each method runs to its end on the embedded
model, trains as many parameters as its formula says, and meets its budget; and what a step of it
costs beside one of LoRA's on the same matrices, which is to be timed when nothing else runs. Goes
on where it was. Writes benchmarks/results/methods.json; the last line printed is that JSON.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.methods.costs import LENGTH, STEPS, step_cost
from benchmarks.methods.in_process import carry_out
from benchmarks.record import RESULTS, environment, read_result, write_result
from finegates.data.glue import GLUE_DIR_VARIABLE
from finegates.groups.store import Cell, Group
from finegates.groups.sweep import start_sweep
from finegates.machine.devices import list_devices
from finegates.methods import METHODS
from finegates.models.parameters import method_params
from finegates.models.sources import model_sizes
from finegates.runs.folder import Run, open_run
from finegates.spec import make_spec

RESULT = "methods.json"
TASKS = ("sst2", "stsb")
SHORT = {"epochs": 1, "max_train_samples": 500}
RUNS, STEPS_OF = "runs", "steps"
SEED = 0


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains all, times all, writes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--glue-dir", required=True)
    parser.add_argument("--runs-dir", type=Path, required=True)
    parser.add_argument("--only", choices=(RUNS, STEPS_OF), help="what was not asked for stays")
    options = parser.parse_args(arguments)
    # in the environment rather than in the specs, which would carry a path of this machine
    os.environ[GLUE_DIR_VARIABLE] = str(Path(options.glue_dir).resolve())
    result = read_result(RESULT) if (RESULTS / RESULT).exists() else {}
    if options.only != STEPS_OF:
        result[RUNS] = trained(options.runs_dir.resolve())
    if options.only != RUNS:
        device = list_devices()[0].name
        result[STEPS_OF] = [told(step_cost(method, device)) for method in METHODS]
    settings = {**SHORT, "timed_steps": STEPS, "timed_length": LENGTH}
    result = {**result, **environment(), "settings": settings}
    write_result(RESULT, result)
    print(json.dumps(result))


def told(row: dict[str, Any]) -> dict[str, Any]:
    """The row, printed: all of it takes a while."""
    print(row, file=sys.stderr, flush=True)
    return row


def trained(runs_dir: Path) -> list[dict[str, Any]]:
    """Every method on every task, in a line each."""
    runs_dir.mkdir(parents=True, exist_ok=True)
    groups = [_start(task, runs_dir) for task in TASKS]
    carry_out(groups, runs_dir)
    return [_row(open_run(runs_dir, run)) for group in groups for run in group.runs]


def _start(task: str, runs_dir: Path) -> Group:
    targets = {method: make_spec({"method": method}).target_sparsity for method in METHODS}
    cells = [Cell(method, target, SEED) for method, target in targets.items()]
    return start_sweep(runs_dir, f"short-{task}", {**SHORT, "task": task}, cells, start=False)


def _row(run: Run) -> dict[str, Any]:
    spec, status = run.spec, run.status()
    return {
        "method": spec.method,
        "task": spec.task,
        "state": status.state,
        "reason": status.reason,
        "metric": status.metric,
        "score": status.score,
        "target": spec.target_sparsity,
        "removed_weights_fraction": status.removed_weights_fraction,
        "trainable_params": status.trainable_params,
        "of_which_by_formula": method_params(spec, model_sizes(spec.model)),
    }


if __name__ == "__main__":
    main()
