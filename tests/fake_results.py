"""Runs that are over, without training: folders made by the library's own writers."""

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from finegates.groups.store import Cell, Group, save_group
from finegates.methods import METHODS
from finegates.runs.folder import CURVE_FILE, Run, create_run
from finegates.runs.status import Status, write_status
from finegates.spec import make_spec

DATA = {"source": "sample", "fingerprint": "a" * 64, "num_train": 2000}
GENERATION = {
    "remove": 0.4, "threshold": None, "batch_size": 1, "prompt": 512, "new_tokens": 64,
    "dtype": "float32", "device": "cpu", "threads": 2, "hardware": "a cpu",
    "removed_weights_fraction": 0.4, "kv_bytes_per_token_dense": 1000,
    "kv_bytes_per_token_shrunk": 600,
    **{f"prefill_{name}": value for name, value in (
        ("speedup", 1.6), ("speedup_p10", 1.5), ("speedup_p90", 1.7), ("ideal", 2.0),
        ("dense_tokens_per_s", 1000.0), ("shrunk_tokens_per_s", 1600.0))},
    **{f"decode_{name}": value for name, value in (
        ("speedup", 1.5), ("speedup_p10", 1.25), ("speedup_p90", 2.0), ("ideal", 1.6),
        ("dense_tokens_per_s", 20.0), ("shrunk_tokens_per_s", 30.0))},
}  # fmt: skip
"""What `finegates.measuring.generation` measured, as far as it is shown."""


def result(runs_dir: Path, score: float | None = 0.8, **settings: Any) -> Run:
    """A finished run with this score; it removed exactly what it was asked to."""
    return result_on(DATA, runs_dir, score, **settings)


def result_on(
    data: dict, runs_dir: Path, score: float | None, removed: float | None = None, **settings: Any
) -> Run:
    """The same, on other data."""
    spec = make_spec({"device": "cpu", "method": "finegates", **settings})
    run = create_run(spec, data, runs_dir)
    now = time.time()
    if removed is None and METHODS[spec.method].removes:
        removed = spec.target_sparsity
    status = Status(
        state="finished", metric="accuracy", score=score, removed_weights_fraction=removed,
        heartbeat=now, started=now - 60, ended=now,
    )  # fmt: skip
    write_status(run.path, status)
    return run


def in_state(run: Run, state: str, **changes: Any) -> Run:
    """The same run in another state."""
    write_status(run.path, replace(run.status(), state=state, **changes))
    return run


def with_curve(run: Run, scores: dict[float, float]) -> Run:
    """The same run with a curve: fraction removed -> score."""
    points = [
        {
            "remove": remove,
            "score": score,
            "metrics": {"accuracy": score},
            "removed_weights_fraction": remove,
            "closed_gates_fraction": remove / 2,
            "reopened_gates": 0,
        }
        for remove, score in scores.items()
    ]
    content = {"format_version": 1, "points": points}
    (run.path / CURVE_FILE).write_text(json.dumps(content))
    return run


def group_of(runs_dir: Path, name: str, cells: Sequence[Cell], **settings: Any) -> Group:
    """A group file over these cells."""
    path = runs_dir / f"{name}.group.json"
    group = Group(path, name, "2026-01-01T00:00:00.000+00:00", "again", settings, tuple(cells))
    save_group(group)
    return group


def cell_of(run: Run) -> Cell:
    """The cell that a run answers."""
    return Cell(run.spec.method, run.spec.target_sparsity, run.spec.seed, run.id)
