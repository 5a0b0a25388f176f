"""Trains every method of the registry for one short epoch on classes and on numbers.

    python -m benchmarks.methods --glue-dir PATH/glue_data

Not a comparison: 500 rows teach nothing. It shows that each method runs to its end on the embedded
model, trains as many parameters as its formula says, and meets its budget. Writes
benchmarks/results/methods.json; the last line printed is that JSON.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

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

TASKS = ("sst2", "stsb")
SHORT = {"epochs": 1, "max_train_samples": 500}


def main() -> None:
    """Trains all, writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--glue-dir", required=True)
    os.environ[GLUE_DIR_VARIABLE] = parser.parse_args().glue_dir
    with tempfile.TemporaryDirectory() as folder:
        rows = [train(method, task, Path(folder)) for method in METHODS for task in TASKS]
    result = {**environment(), "settings": SHORT, "runs": rows}
    write_result("methods.json", result)
    print(json.dumps(result))


def train(method: str, task: str, runs_dir: Path) -> dict[str, Any]:
    """One method on one task, in a line."""
    spec, data = check_inputs(make_spec({**SHORT, "method": method, "task": task}))
    status = execute(create_run(spec, data, runs_dir), list_devices()[0].name)
    row = {
        "method": method,
        "task": task,
        "state": status.state,
        "metric": status.metric,
        "score": status.score,
        "target": spec.target_sparsity,
        "removed_weights_fraction": status.removed_weights_fraction,
        "trainable_params": status.trainable_params,
        "of_which_by_formula": method_params(spec, model_sizes(spec.model)),
    }
    print(row, status.reason, file=sys.stderr, flush=True)
    return row


if __name__ == "__main__":
    main()
