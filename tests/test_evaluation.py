"""Several budgets from one training, and a run brought back from its folder."""

import json

import pytest
import torch

from finegates.errors import RunError, SpecError
from finegates.evaluation import evaluate_removals, restore_session
from finegates.reporting import evaluate
from finegates.runs import CURVE_FILE, create_run
from finegates.spec import make_spec
from finegates.worker import execute

QUICK = {"max_train_samples": 96, "batch_size": 16, "epochs": 2, "precision": "fp32"}


@pytest.fixture
def finished_run(toy_model_dir, tmp_path):
    def make(**changes):
        run = create_run(
            make_spec({"model": str(toy_model_dir), **QUICK, **changes}), {}, tmp_path / "runs"
        )
        status = execute(run, "cpu")
        assert status.state == "finished", status.reason
        return run

    return make


METHODS = ["finegates", "finegates+lora-outside", "magnitude-full", "lora", "lora-fa", "vera",
           "lora-xs", "sparta", "compacter", "full"]  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
def test_a_restored_run_scores_and_answers_as_it_did(finished_run, method):
    rank = {} if method == "full" else {"lora_rank": 4}
    run = finished_run(method=method, **rank)
    session = restore_session(run, "cpu")
    assert evaluate(session) == run.status().metrics
    batch = next(iter(session.validation))
    with torch.no_grad():
        first = session.model.eval()(**batch).logits
        again = restore_session(run, "cpu").model.eval()(**batch).logits
    assert torch.equal(first, again)


@pytest.mark.parametrize("method", ["finegates+lora", "magnitude", "lora", "full"])
def test_every_budget_is_met_and_written_down(finished_run, method):
    rank = {} if method == "full" else {"lora_rank": 4}
    run = finished_run(method=method, **rank)
    points = evaluate_removals(run, [0.0, 0.3, 0.6], "cpu")
    for point in points:
        assert point["removed_weights_fraction"] == pytest.approx(point["remove"], abs=0.01)
        assert 0 <= point["score"] <= 1 and point["metrics"]["accuracy"] == point["score"]
    assert json.loads((run.path / CURVE_FILE).read_bytes())["points"] == points


def test_the_budget_that_a_run_was_trained_for_gives_its_own_score(finished_run):
    run = finished_run(target_sparsity=0.4)
    (point,) = evaluate_removals(run, [0.4], "cpu")
    assert point["metrics"] == run.status().metrics and point["reopened_gates"] == 0


def test_a_budget_below_what_is_closed_says_how_many_gates_it_reopened(finished_run):
    run = finished_run(target_sparsity=0.6)
    closed = int(run.snapshot().closed.sum())
    (point,) = evaluate_removals(run, [0.0], "cpu")
    assert point["reopened_gates"] == closed > 0 == point["closed_gates_fraction"]


def test_a_dense_run_at_no_removal_scores_as_it_did(finished_run):
    run = finished_run(method="lora", lora_rank=4)
    (point,) = evaluate_removals(run, [0.0], "cpu")
    assert point["metrics"] == run.status().metrics


def test_what_cannot_be_evaluated_is_said(finished_run, toy_model_dir, tmp_path):
    run = create_run(make_spec({"model": str(toy_model_dir), **QUICK}), {}, tmp_path / "runs")
    with pytest.raises(RunError, match="only a finished run"):
        evaluate_removals(run, [0.2], "cpu")
    done = finished_run()
    with pytest.raises(SpecError, match="allowed is 0 to below 1"):
        evaluate_removals(done, [1.2], "cpu")
    for path in (done.path / "trained").iterdir():
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(RunError, match="can't be used"):
        evaluate_removals(done, [0.2], "cpu")
