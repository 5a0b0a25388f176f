"""Runs that something happened to: each file of a run folder garbled, cut off, or not ours."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from finegates.groups.store import Group
from finegates.runs.folder import (
    CURVE_FILE,
    GATES_FOLDER,
    HISTOGRAMS_FILE,
    METRICS_FILE,
    SPEC_FILE,
    Run,
)
from finegates.runs.measurements import TIMINGS_FILE
from finegates.runs.notes import NOTES_FILE
from finegates.runs.status import STATUS_FILE
from tests.app.fake_runs import make_curve, make_run

GARBLED, CUT_OFF, FOREIGN, SHAPELESS = "garbled", "cut off", "foreign", "shapeless"
KINDS = (GARBLED, CUT_OFF, FOREIGN, SHAPELESS)
NOISE = bytes(range(128, 256)) + b"\n{not json\n"
GATES = f"{GATES_FOLDER}/*"
FILES = (
    SPEC_FILE, STATUS_FILE, METRICS_FILE, HISTOGRAMS_FILE, CURVE_FILE, TIMINGS_FILE, NOTES_FILE,
    GATES,
)  # fmt: skip
TIMING = {
    "dense_s": 0.1, "masked_s": 0.11, "shrunk_s": 0.07, "speedup": 1.4, "mac_ratio": 1.6,
    "removed_weights_fraction": 0.2, "threshold": None, "remove": 0.2, "batch_size": 8,
    "seq_len": 128, "dtype": "float32", "device": "cpu", "threads": 1, "hardware": "A CPU",
}  # fmt: skip
SHAPES = {
    SPEC_FILE: {"format_version": 1, "created": 5, "command": [], "versions": 1, "data": [],
                "spec": {"task": 5, "method": "finegates", "seed": "first"}},
    STATUS_FILE: {"state": "finished", "score": "good", "step": "last", "heartbeat": None},
    METRICS_FILE: {"kind": "train", "step": 5, "loss": "low", "task_loss": [1], "time": None},
    HISTOGRAMS_FILE: {"step": 5, "counts": {"0.q.in": ["many"], "0.q.out": 3}},
    CURVE_FILE: {"format_version": 1, "points": [{"remove": "half"}], "thresholds": 7},
    TIMINGS_FILE: {"format_version": 1, "timings": [{"speedup": "high"}]},
    NOTES_FILE: {"format_version": 1, "notes": 5, "tags": "one"},
}  # fmt: skip
"""Of each file: JSON that says what no writer of ours says."""


def complete_run(runs_dir: Path, **settings: Any) -> Run:
    """A finished run with every file that a page reads."""
    run = make_run(runs_dir, total_steps=20, **settings)
    make_curve(run)
    (run.path / TIMINGS_FILE).write_text(json.dumps({"format_version": 1, "timings": [TIMING]}))
    notes = {"format_version": 1, "notes": "mine", "tags": ["kept"]}
    (run.path / NOTES_FILE).write_text(json.dumps(notes))
    return run


def break_run(run: Run, file: str, kind: str) -> None:
    """Damages all files of a run that this pattern names."""
    for path in run.path.glob(file):
        _damage(path, kind, SHAPES.get(file))


def break_group(group: Group, kind: str) -> None:
    """Damages the file of a group."""
    _damage(group.path, kind, {"format_version": 1, "cells": "all", "settings": 5})


def _damage(path: Path, kind: str, shape: dict[str, Any] | None) -> None:
    content = path.read_bytes()
    if kind == GARBLED:
        path.write_bytes(NOISE)
    elif kind == CUT_OFF:
        path.write_bytes(content[: len(content) // 2])
    elif path.suffix == ".safetensors":
        values = np.ones(16 if kind == FOREIGN else 3, np.float32)
        metadata = {"step": "7", "format_version": "99"} if kind == FOREIGN else None
        save_file({"0.q.in": values}, path, metadata)
    elif kind == FOREIGN and path.name == STATUS_FILE:  # it has no version of its own
        path.write_text('{"state": "dancing"}')
    elif kind == FOREIGN and path.suffix == ".json":
        path.write_text(json.dumps({**json.loads(content), "format_version": 99}))
    elif kind == FOREIGN:
        path.write_text('[1, 2]\nnull\n"text"\n{"version": 99}\n')
    else:
        path.write_text(json.dumps(shape) + "\n")
