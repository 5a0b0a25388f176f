"""Keeps a small example of the current run format, which later versions have to read.

    python -m tests.whole.keep_runs format-2

This makes ``kept_runs/format-2`` next to this file: a toy model, a finished run with scores,
timings and notes, a run that was stopped in the middle, and a group of both. `copy_of` makes such a
folder usable again; ``test_old_runs.py`` tests every one of them.
"""

import os
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from finegates.cli import main
from finegates.groups.from_runs import group_runs
from finegates.jobs.inputs import check_inputs
from finegates.jobs.worker import WORKER_LOCK, execute
from finegates.runs.folder import CHECKPOINT_FOLDER, Run, create_run
from finegates.runs.journal import Journal
from finegates.runs.notes import write_notes
from finegates.runs.status import STOP_FILE, write_status
from finegates.spec import make_spec
from tests.toy_models import save_toy_model

KEPT = Path(__file__).parent / "kept_runs"
MODEL, RUNS = "model", "runs"
PLACEHOLDER = "MODEL_FOLDER"
"""Stands in the kept files for the absolute path of the model."""

GROUP = "kept"
NOTES, TAGS = "Kept for later versions.", ("kept",)
STOPPED_AT = 120
SETTINGS = {
    "method": "finegates+lora", "target_sparsity": 0.4, "batch_size": 32, "epochs": 3,
    "eval_steps": 47, "learning_rate": 8e-3, "adapter_learning_rate": 8e-3,
    "device": "cpu", "precision": "fp32",
}  # fmt: skip
"""With these even a toy model learns something; a score of chance would not show lost weights."""


def keep(target: Path) -> None:
    """Makes the model, both runs and their group in a new folder."""
    with tempfile.TemporaryDirectory() as temporary:
        made = Path(temporary).resolve()
        _make(save_toy_model(made / MODEL), made / RUNS)
        for path in _texts(made):
            path.write_text(path.read_text().replace(str(made / MODEL), PLACEHOLDER))
        shutil.copytree(made, target, ignore=shutil.ignore_patterns(".*"))


def copy_of(kept: Path, target: Path) -> Path:
    """Copies a kept folder, puts the model's new path in, and returns the folder of its runs."""
    shutil.copytree(kept, target)
    for path in _texts(target):
        path.write_text(path.read_text().replace(PLACEHOLDER, str(target.resolve() / MODEL)))
    return target / RUNS


def _texts(folder: Path) -> list[Path]:
    return list((folder / RUNS).rglob("*.json"))


def _make(model: Path, runs_dir: Path) -> None:
    runs = [_queued(model, runs_dir, seed) for seed in (0, 1)]
    finished, stopped = runs
    execute(finished, "cpu")
    _measure(finished)
    write_notes(finished.path, NOTES, TAGS)
    shutil.rmtree(finished.path / CHECKPOINT_FOLDER)  # large, and nothing reads it any more
    execute(stopped, "cpu", _stop_in_the_middle)
    (stopped.path / STOP_FILE).unlink()
    group_runs(runs_dir, GROUP, runs)
    for run, state in zip(runs, ("finished", "stopped"), strict=True):
        assert run.status().state == state, run.status().reason
        write_status(run.path, replace(run.status(), host="", pid=0, process_created=0.0))
        (run.path / WORKER_LOCK).unlink(missing_ok=True)


def _queued(model: Path, runs_dir: Path, seed: int) -> Run:
    spec, data = check_inputs(make_spec({**SETTINGS, "model": str(model), "seed": seed}))
    return create_run(spec, data, runs_dir)


def _measure(run: Run) -> None:
    where = ["--runs-dir", str(run.path.parent), "--device", "cpu", "--json"]
    main(["evaluate", run.id, "--remove", "0,0.4,0.6", *where])
    main(["evaluate", run.id, "--threshold", "0.5", *where])
    shape = ["--batch-size", "2", "--seq-len", "8", "--repeats", "2"]
    main(["bench", run.id, "--remove", "0.6", *shape, *where])


def _stop_in_the_middle(journal: Journal) -> None:
    if journal.status.step == STOPPED_AT:
        (journal.run.path / STOP_FILE).touch()


if __name__ == "__main__":
    os.environ["HF_HUB_OFFLINE"] = "1"
    keep(KEPT / sys.argv[1])
