"""Claims about the runs that come with the program: what a new user sees first is real."""

import json
from pathlib import Path

import pytest

from benchmarks.frontier.run import group_name
from benchmarks.record import read_result
from finegates.groups.store import open_group
from finegates.methods import DEFAULT_METHOD, METHODS
from finegates.results.aggregate import group_points
from finegates.runs.folder import Run, current_rows

SHIPPED = Path(__file__).resolve().parents[2] / "cached_runs"
TASKS = ("sst2", "stsb", "cola")
GROUPS = [open_group(SHIPPED, group_name(task)) for task in TASKS]
RUNS = [Run(SHIPPED / run) for group in GROUPS for run in group.runs]
WHOLE = [run for run in RUNS if run.snapshot_steps()]
SUFFIXES = {".json", ".jsonl", ".safetensors"}
MOST_BYTES = 25_000_000

every_run = pytest.mark.parametrize("run", RUNS, ids=lambda run: run.id)
whole_run = pytest.mark.parametrize("run", WHOLE, ids=lambda run: run.id)


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_the_default_recipes_curve_of_three_tasks_can_be_drawn_and_opened(group):
    drawn = {p.target for p in group_points(group, SHIPPED) if p.method == DEFAULT_METHOD}
    assert drawn >= {0.2, 0.4, 0.6}
    opened = {run.spec.target_sparsity for run in WHOLE if run.spec.task == group.settings["task"]}
    assert opened >= {0.2, 0.4, 0.6}


@every_run
def test_shipped_run_is_finished_and_removed_what_it_was_asked_for(run):
    row = run.row()
    assert row["status"] == "finished"
    if run.spec.rounds_to_budget:
        assert row["removed_weights_fraction"] == pytest.approx(row["target_fraction"], abs=0.005)


@whole_run
def test_status_agrees_with_metrics_and_gates(run):
    status, snapshot = run.status(), run.snapshot()
    last = [r for r in current_rows(run.metrics_reader().read_new()) if r["kind"] == "eval"][-1]
    assert (last["step"], last["score"]) == (status.step, status.score)
    closed = (snapshot.values <= 0).mean()
    assert snapshot.step == status.step and closed == pytest.approx(status.closed_gates_fraction)
    assert METHODS[run.spec.method].removes and (run.path / "trained").is_dir()


@every_run
def test_shipped_run_can_be_repeated_and_carries_no_text_and_no_path(run):
    assert len(run.record["data"]["fingerprint"]) == 64
    assert {"torch", "transformers", "finegates"} <= run.record["versions"].keys()
    written = json.dumps(run.record) + json.dumps(run.row())
    assert str(Path.home()) not in written and '"/' not in written
    assert {p.suffix for p in run.path.rglob("*") if p.is_file()} <= SUFFIXES


def test_shipped_runs_are_small():
    files = [p for run in RUNS for p in run.path.rglob("*") if p.is_file()]
    assert sum(p.stat().st_size for p in files) < MOST_BYTES


def test_the_published_points_are_those_of_the_shipped_runs():
    published = {
        (p["task"], p["method"], p["kind"], p["target"]): p["median"]
        for p in read_result("frontier.json")["points"]
    }
    found = {
        (p.task, p.method, p.kind, p.target): p.median
        for group in GROUPS
        for p in group_points(group, SHIPPED)
    }
    assert found == published
