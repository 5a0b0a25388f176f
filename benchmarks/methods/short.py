"""Trains every method of the registry for one short epoch on classes and on numbers.

    python -m benchmarks.methods.short --glue-dir PATH/glue_data

Not a comparison: 500 rows teach nothing. It shows that each method runs to its end on the embedded
model, trains as many parameters as its formula says, and meets its budget; and what a step of it
costs beside one of LoRA's on the same matrices. Writes benchmarks/results/methods.json; the last
line printed is that JSON.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.methods.costs import LENGTH, STEPS, step_cost
from benchmarks.record import environment, write_result
from finegates.data.glue import GLUE_DIR_VARIABLE
from finegates.jobs.inputs import check_inputs
from finegates.jobs.worker import execute
from finegates.machine.devices import list_devices
from finegates.methods import METHODS
from finegates.models.parameters import method_params
from finegates.models.sources import model_sizes
from finegates.runs.folder import create_run
from finegates.spec import make_spec

RESULT = "methods.json"
TASKS = ("sst2", "stsb")
SHORT = {"epochs": 1, "max_train_samples": 500}


def main() -> None:
    """Trains all, writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--glue-dir", required=True)
    os.environ[GLUE_DIR_VARIABLE] = parser.parse_args().glue_dir
    device = list_devices()[0].name
    with tempfile.TemporaryDirectory() as folder:
        rows = [train(method, task, Path(folder), device) for method in METHODS for task in TASKS]
    steps = [told(step_cost(method, device)) for method in METHODS]
    settings = {**SHORT, "timed_steps": STEPS, "timed_length": LENGTH}
    result = {**environment(), "settings": settings, "runs": rows, "steps": steps}
    write_result(RESULT, result)
    print(json.dumps(result))


def told(row: dict[str, Any]) -> dict[str, Any]:
    """The row, printed: all of it takes a while."""
    print(row, file=sys.stderr, flush=True)
    return row


def train(method: str, task: str, runs_dir: Path, device: str) -> dict[str, Any]:
    """One method on one task, in a line."""
    spec, data = check_inputs(make_spec({**SHORT, "method": method, "task": task}))
    status = execute(create_run(spec, data, runs_dir), device)
    row = {
        "method": method,
        "task": task,
        "state": status.state,
        "reason": status.reason,
        "metric": status.metric,
        "score": status.score,
        "target": spec.target_sparsity,
        "removed_weights_fraction": status.removed_weights_fraction,
        "trainable_params": status.trainable_params,
        "of_which_by_formula": method_params(spec, model_sizes(spec.model)),
    }
    return told(row)


if __name__ == "__main__":
    main()
