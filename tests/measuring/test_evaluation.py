"""Several budgets from one training, and a run brought back from its folder."""

import json
import shutil
from functools import cache
from pathlib import Path

import pytest
import torch

from finegates.cli import main
from finegates.errors import RunError
from finegates.gates.cuts import Cut
from finegates.jobs.worker import execute
from finegates.measuring.evaluation import dense_and_cut, evaluate_cuts
from finegates.runs.folder import CURVE_FILE, Run, create_run
from finegates.runs.measurements import read_thresholds
from finegates.spec import make_spec
from finegates.training.records import evaluate
from finegates.training.restore import restore_session

QUICK = {"max_train_samples": 96, "batch_size": 16, "epochs": 2, "precision": "fp32"}


@pytest.fixture(scope="session")
def trained(toy_model_dir, tmp_path_factory):
    """A finished run with these settings, trained when it is first asked for."""
    folder = tmp_path_factory.mktemp("trained")

    @cache
    def train(**changes):
        run = create_run(make_spec({"model": str(toy_model_dir), **QUICK, **changes}), DATA, folder)
        status = execute(run, "cpu")
        assert status.state == "finished", status.reason
        return run

    return train


@pytest.fixture
def finished_run(trained, tmp_path):
    """A copy of such a run, which a test may write into."""

    def make(**changes):
        run = trained(**changes)
        return Run(Path(shutil.copytree(run.path, tmp_path / "runs" / run.id)))

    return make


def at(*fractions: float) -> list[Cut]:
    return [Cut(remove=fraction) for fraction in fractions]


DATA = {"labels": ["unacceptable", "acceptable"], "problem": "classification"}

METHODS = ["finegates", "finegates+lora-outside", "magnitude-full", "lora", "lora-fa", "vera",
           "lora-xs", "sparta", "compacter", "lorta", "dynamic-subset", "full",
           pytest.param("sara", marks=pytest.mark.slow),
           pytest.param("shears", marks=pytest.mark.slow)]  # fmt: skip


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
    points = evaluate_cuts(run, at(0.0, 0.3, 0.6), "cpu")
    for point in points:
        assert point["removed_weights_fraction"] == pytest.approx(point["remove"], abs=0.01)
        assert 0 <= point["score"] <= 1 and point["metrics"]["accuracy"] == point["score"]
    assert json.loads((run.path / CURVE_FILE).read_bytes())["points"] == points


def test_the_budget_that_a_run_was_trained_for_gives_its_own_score(finished_run):
    run = finished_run(target_sparsity=0.4)
    (point,) = evaluate_cuts(run, at(0.4), "cpu")
    assert point["metrics"] == run.status().metrics and point["reopened_gates"] == 0


def test_a_budget_below_what_is_closed_says_how_many_gates_it_reopened(finished_run):
    run = finished_run(target_sparsity=0.6)
    closed = int(run.snapshot().closed.sum())
    (point,) = evaluate_cuts(run, at(0.0), "cpu")
    assert point["reopened_gates"] == closed > 0 == point["closed_gates_fraction"]


def test_a_dense_run_at_no_removal_scores_as_it_did(finished_run):
    run = finished_run(method="lora", lora_rank=4)
    (point,) = evaluate_cuts(run, at(0.0), "cpu")
    assert point["metrics"] == run.status().metrics


def test_what_cannot_be_evaluated_is_said(finished_run, toy_model_dir, tmp_path):
    run = create_run(make_spec({"model": str(toy_model_dir), **QUICK}), DATA, tmp_path / "runs")
    with pytest.raises(RunError, match="only a finished run"):
        evaluate_cuts(run, at(0.2), "cpu")
    done = finished_run()
    for path in (done.path / "trained").iterdir():
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(RunError, match="can't be used"):
        evaluate_cuts(done, at(0.2), "cpu")


def test_equal_cuts_are_measured_once_and_all_told(finished_run):
    run = finished_run(target_sparsity=0.4)
    values = run.snapshot().values
    just_open = float(values[values > 0].min())
    cuts = [Cut(threshold=0.0), Cut(threshold=just_open / 2), Cut(threshold=1.0)]
    first, same, all_closed = evaluate_cuts(run, cuts, "cpu")
    assert first["seconds"] == same["seconds"] and first["metrics"] == same["metrics"]
    assert first["metrics"] == run.status().metrics
    assert all_closed["removed_weights_fraction"] == 1 and all_closed["params"] < first["params"]
    assert [p["threshold"] for p in read_thresholds(run)] == [c.threshold for c in cuts]


def test_prune_tells_counts_and_score_and_saves_the_model(finished_run, tmp_path, capsys):
    run = finished_run(method="finegates+lora", lora_rank=4)
    out = tmp_path / "small"
    words = ["prune", run.id, "--runs-dir", str(run.path.parent), "--remove", "0.5"]
    assert main([*words, "--out", str(out), "--device", "cpu"]) == 0
    printed, told = capsys.readouterr()
    row = json.loads(printed.splitlines()[-1])
    assert row["pruned"]["removed_weights_fraction"] == pytest.approx(0.5, abs=0.01)
    assert row["shrunk_params"] == row["pruned"]["params"] < row["dense"]["params"]
    assert row["card"]["pruned_score"] == row["pruned"]["score"]
    assert f"{row['pruned']['closed_gates']:,}" in told and (out / "config.json").is_file()


def test_what_is_known_is_not_measured_again(finished_run, monkeypatch):
    run = finished_run()
    asked = dense_and_cut(run, Cut(remove=0.5), "cpu")
    monkeypatch.setattr("finegates.measuring.evaluation.evaluate_cuts", None)
    assert dense_and_cut(run, Cut(remove=0.5), "cpu") == asked


def test_prune_counts_as_it_is_asked(finished_run, capsys):
    run = finished_run()
    words = ["prune", run.id, "--runs-dir", str(run.path.parent), "--json"]
    assert main([*words, "--remove", "0.3", "--of", "products"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["pruned"]["remove"] == pytest.approx(row["pruned"]["removed_weights_fraction"])
    assert row["pruned"]["mac_ratio"] > 1 / (1 - 0.3) - 0.05, "rows of matrices take others along"
    assert main([*words, "--remove", "0.97", "--of", "parameters"]) == 2
    assert "of the model's parameters are to be removed" in capsys.readouterr().err
    assert main([*words, "--threshold", "0.3", "--of", "products"]) == 2
    assert "--remove does not say how much" in capsys.readouterr().err


def test_prune_wants_just_one_cut(capsys):
    with pytest.raises(SystemExit):
        main(["prune", "some-run", "--remove", "0.5", "--threshold", "0.1"])
    assert "not allowed with" in capsys.readouterr().err


def test_the_order_of_cuts_changes_nothing(finished_run):
    run = finished_run(target_sparsity=0.6)
    cuts = at(0.0, 0.3, 0.5)
    there = evaluate_cuts(run, cuts, "cpu")
    back = evaluate_cuts(run, cuts[::-1], "cpu")[::-1]
    assert [p["closed_gates"] for p in there] == [p["closed_gates"] for p in back]
