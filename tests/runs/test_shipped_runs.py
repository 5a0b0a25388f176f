"""Claims about the runs that come with the program: what a new user sees first is real."""

import json
from pathlib import Path

import pytest

from benchmarks.frontier.plan import TASKS, part_of
from benchmarks.frontier.points import frontier
from benchmarks.record import read_result
from finegates.gates.cuts import AS_TRAINED
from finegates.groups.store import list_groups
from finegates.methods import DEFAULT_METHOD, METHODS
from finegates.results.aggregate import group_points
from finegates.runs.folder import Run, current_rows
from finegates.runs.measurements import at_cut

SHIPPED = Path(__file__).resolve().parents[2] / "cached_runs"
GROUPS = list_groups(SHIPPED)
RUNS = [Run(SHIPPED / run) for group in GROUPS for run in group.runs]
WITH_GATES = [run for run in RUNS if run.snapshot_steps()]
WHOLE = [run for run in WITH_GATES if (run.path / "trained").is_dir()]
SUFFIXES = {".json", ".jsonl", ".safetensors"}
MOST_BYTES = 16_000_000

every_run = pytest.mark.parametrize("run", RUNS, ids=lambda run: run.id)
gated_run = pytest.mark.parametrize("run", WITH_GATES, ids=lambda run: run.id)


@pytest.mark.parametrize("task", ["sst2", "stsb", "cola"])
def test_a_run_of_the_default_recipe_can_be_pruned_and_has_measured_times(task):
    (run,) = (run for run in WHOLE if run.spec.task == task)
    assert (run.spec.method, run.spec.target_sparsity) == (DEFAULT_METHOD, 0.4)
    assert at_cut(run, AS_TRAINED).timing["speedup"] > 1


@pytest.mark.parametrize("task", TASKS)
def test_the_curve_of_the_fine_tuned_model_made_smaller_has_its_gates(task):
    (group,) = (group for group in GROUPS if part_of(group.name) == (task, "warm"))
    drawn = {p.target for p in group_points(group, SHIPPED) if p.scores}
    assert drawn >= ({0.4} if task == "rte" else {0.2, 0.4, 0.6})
    assert {*group.runs} <= {run.id for run in WITH_GATES}


@every_run
def test_shipped_run_is_finished_and_removed_what_it_was_asked_for(run):
    row = run.row()
    assert row["status"] == "finished"
    if run.spec.rounds_to_budget:
        assert row["removed_weights_fraction"] == pytest.approx(row["target_fraction"], abs=0.005)


@gated_run
def test_status_agrees_with_metrics_and_gates(run):
    status, snapshot = run.status(), run.snapshot()
    last = [r for r in current_rows(run.metrics_reader().read_new()) if r["kind"] == "eval"][-1]
    assert (last["step"], last["score"]) == (status.step, status.score)
    closed = (snapshot.values <= 0).mean()
    assert snapshot.step == status.step and closed == pytest.approx(status.closed_gates_fraction)
    assert METHODS[run.spec.method].removes


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


@pytest.mark.slow
def test_the_published_points_are_those_of_the_shipped_runs():
    published = read_result("frontier.json")["points"]
    assert json.loads(json.dumps(frontier(SHIPPED)["points"])) == published
