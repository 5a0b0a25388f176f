"""Runs that one process carries out after another end as the queue's would."""

import pytest

from benchmarks.methods.in_process import carry_out
from finegates.groups.store import Cell
from finegates.groups.sweep import start_sweep
from finegates.jobs.dispatcher import DISPATCHER_LOG
from finegates.runs.folder import open_run


@pytest.mark.slow
def test_queued_runs_are_carried_out_in_processes_that_stay(toy_model_dir, tmp_path):
    settings = {
        "model": str(toy_model_dir), "task": "sample", "epochs": 1, "max_train_samples": 48,
        "batch_size": 16, "device": "cpu", "precision": "fp32",
    }  # fmt: skip
    cells = [Cell("lora", 0.0, 0), Cell("finegates", 0.4, 0)]
    group = start_sweep(tmp_path, "few", settings, cells, start=False)
    runs = [open_run(tmp_path, run) for run in group.runs]
    assert {run.status().state for run in runs} == {"queued"}
    carry_out([group], tmp_path)
    states = [run.status() for run in runs]
    assert [s.state for s in states] == ["finished"] * 2, [s.reason for s in states]
    assert states[0].pid == states[1].pid and not (tmp_path / DISPATCHER_LOG).exists()
