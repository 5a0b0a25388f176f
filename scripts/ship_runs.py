"""Trains the runs that are shipped, and puts them into cached_runs without what resuming needs.

    python scripts/ship_runs.py --glue-dir PATH/glue_data

SST-2's first 4,000 rows on MiniLM at targets 0, 0.2 and 0.4. No text of the data is in a run. Name
the new folders in .gitignore, and take the old ones out.
"""

import argparse
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from finegates.glue import GLUE_DIR_VARIABLE
from finegates.inputs import check_inputs
from finegates.runs import CHECKPOINT_FOLDER, Run, create_run
from finegates.spec import make_spec
from finegates.status import write_status
from finegates.worker import execute

TARGETS = (0.0, 0.2, 0.4)
SETTINGS = {"task": "sst2", "epochs": 3, "max_train_samples": 4000, "eval_steps": 63}
SHIPPED = Path(__file__).resolve().parents[1] / "cached_runs"


def main() -> None:
    """Trains and ships."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--glue-dir", required=True)
    # in the environment rather than in the spec, which would carry a path of this machine
    os.environ[GLUE_DIR_VARIABLE] = parser.parse_args().glue_dir
    with tempfile.TemporaryDirectory() as folder:
        for target in TARGETS:
            print(ship(train(target, Path(folder))))


def train(target: float, runs_dir: Path) -> Run:
    """A finished run at this target."""
    spec, data = check_inputs(make_spec({**SETTINGS, "target_sparsity": target}))
    run = create_run(spec, data, runs_dir)
    status = execute(run, "cpu")
    assert status.state == "finished", status.reason
    return run


def ship(run: Run) -> str:
    """Copies a finished run into the checkout, and returns its id."""
    ignored = shutil.ignore_patterns(CHECKPOINT_FOLDER, ".*", "*.log")
    target = SHIPPED / run.id
    shutil.copytree(run.path, target, ignore=ignored)
    write_status(target, replace(run.status(), host="", pid=0, process_created=0.0))
    return run.id


if __name__ == "__main__":
    main()
