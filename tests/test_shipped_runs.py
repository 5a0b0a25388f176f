"""Claims about the runs that come with the program: what a new user sees first is real."""

import json
from pathlib import Path

import pytest

from finegates.runs import Run, current_rows

REPOSITORY = Path(__file__).resolve().parents[1]
MARK = "!/cached_runs/"
NAMES = [
    line.removeprefix(MARK).rstrip("/")
    for line in (REPOSITORY / ".gitignore").read_text().splitlines()
    if line.startswith(MARK) and line.endswith("/")
]
LARGEST_BYTES = 1_000_000

shipped = pytest.mark.parametrize("run", [Run(REPOSITORY / "cached_runs" / n) for n in NAMES])


def test_targets_0_20_and_40_percent_are_there():
    targets = {Run(REPOSITORY / "cached_runs" / n).spec.target_sparsity for n in NAMES}
    assert targets >= {0.0, 0.2, 0.4}


@shipped
def test_shipped_run_is_finished_and_removed_what_it_was_asked_for(run):
    row = run.row()
    assert row["status"] == "finished"
    assert row["removed_weights_fraction"] == pytest.approx(row["target_fraction"], abs=0.01)
    assert row["score"] > row["majority_score"] + 0.2


@shipped
def test_status_agrees_with_metrics_and_gates(run):
    status, snapshot = run.status(), run.snapshot()
    last = [r for r in current_rows(run.metrics_reader().read_new()) if r["kind"] == "eval"][-1]
    assert (last["step"], last["score"]) == (status.step, status.score)
    closed = (snapshot.values <= 0).mean()
    assert snapshot.step == status.step and closed == pytest.approx(status.closed_gates_fraction)


@shipped
def test_shipped_run_can_be_repeated_and_carries_no_text_and_no_path(run):
    assert len(run.record["data"]["fingerprint"]) == 64
    assert {"torch", "transformers", "finegates"} <= run.record["versions"].keys()
    written = json.dumps(run.record) + json.dumps(run.row())
    assert str(Path.home()) not in written and '"/' not in written
    assert {p.suffix for p in run.path.rglob("*") if p.is_file()} == {
        ".json", ".jsonl", ".safetensors",
    }  # fmt: skip


@shipped
def test_shipped_run_is_small(run):
    assert sum(p.stat().st_size for p in run.path.rglob("*") if p.is_file()) < LARGEST_BYTES
