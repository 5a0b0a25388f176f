"""A folder of very many runs, made in seconds: most are copies, with another seed and score."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import numpy as np

from finegates.methods import METHODS
from finegates.runs.folder import SPEC_FILE, Run, new_run_id
from finegates.runs.notes import write_notes
from finegates.runs.status import STATUS_FILE
from tests.app.fake_runs import make_run

RECIPES = ("finegates", "finegates+lora", "full", "lora", "magnitude")
TARGETS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
STEPS, FAILED_EACH, NOTED_EACH, SPREAD = 20, 50, 10, 0.01
SPREAD_NAMES = ("score", "removed_weights_fraction")


def make_many(runs_dir: Path, number: int, steps: int = STEPS) -> list[Run]:
    """Finished runs of recipes x targets x seeds; one in 50 failed, one in 10 has notes.

    Each recipe at each target is made once; the other seeds are copies of it with an id, a seed, a
    score and a removed fraction of their own.
    """
    kept, rng = runs_dir / ".made", np.random.default_rng(0)
    cells = list(product(TARGETS, RECIPES))[:number]
    made = [_make(kept, method, target, "finished", steps) for target, method in cells]
    failed = _make(kept, RECIPES[0], TARGETS[1], "failed", steps)
    runs = []
    for index in range(number):
        original = failed if index % FAILED_EACH == 7 else made[index % len(made)]
        runs.append(_copy(original, runs_dir, index, rng))
        if index % NOTED_EACH == 0:
            write_notes(runs[-1].path, f"number {index}", ["tenth"])
    shutil.rmtree(kept)
    return runs


def _make(folder: Path, method: str, target: float, state: str, steps: int) -> Run:
    given = {"target_sparsity": target} if METHODS[method].removes else {}
    reason = "The disk is full." if state == "failed" else ""
    return make_run(folder, state, total_steps=steps, method=method, reason=reason, **given)


def _copy(run: Run, runs_dir: Path, index: int, rng: np.random.Generator) -> Run:
    seed = index // (len(RECIPES) * len(TARGETS))
    spec = replace(run.spec, seed=seed)
    name = new_run_id(spec)
    shutil.copytree(run.path, runs_dir / name)
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    record = run.record | {"run": name, "created": now, "spec": spec.to_dict()}
    (runs_dir / name / SPEC_FILE).write_text(json.dumps(record))
    status = json.loads((run.path / STATUS_FILE).read_text())
    for what in SPREAD_NAMES:
        if status[what]:
            status[what] += SPREAD * float(rng.uniform(-1, 1))
    (runs_dir / name / STATUS_FILE).write_text(json.dumps(status))
    return Run(runs_dir / name)
