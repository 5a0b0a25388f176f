"""The training loop, on a tiny real model and real sentences."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from finegates.data.splits import load_splits
from finegates.jobs.worker import execute
from finegates.nn.attach import gated_linears
from finegates.nn.pretrained import load_pretrained
from finegates.runs.folder import create_run, current_rows
from finegates.runs.journal import Journal
from finegates.spec import make_spec
from finegates.training.loop import train, train_step
from finegates.training.metrics import METRICS
from finegates.training.records import evaluate
from finegates.training.session import open_session, resolve_precision
from tests.training.stopping import stopped_and_resumed

QUICK = {"max_train_samples": 96, "batch_size": 16, "epochs": 4, "precision": "fp32"}


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def make_run(toy_model_dir, tmp_path):
    """Makes a queued run of the toy model on the sample."""

    def make(**changes):
        spec = make_spec({"model": str(toy_model_dir), **QUICK, **changes})
        return create_run(spec, {}, tmp_path / "runs")

    return make


def curve(run):
    """Every measured number of a run that does not depend on the clock."""
    clock = ("time", "samples_per_s", "memory_bytes")
    rows = current_rows(run.metrics_reader().read_new())
    return [{k: v for k, v in row.items() if k not in clock} for row in rows]


@pytest.mark.parametrize(
    ("law", "target"),
    [
        ("gaussian", 0.0),
        ("gaussian", 0.7),
        ("tanh-gaussian", 0.3),
        ("hard-concrete", 0.3),
        ("projected", 0.3),
    ],
)
def test_budget_removes_what_was_asked_for(make_run, law, target):
    run = make_run(target_sparsity=target, gate_law=law)
    status = execute(run, "cpu")
    assert status.state == "finished", status.reason
    assert status.removed_weights_fraction == pytest.approx(target, abs=0.01)
    assert curve(run)[-1]["rounded"]


def test_sums_of_a_run_are_told_apart_and_agree_with_its_last_gates(make_run):
    run = make_run()
    status = execute(run, "cpu")
    snapshot = run.snapshot()
    closed = snapshot.values <= 0
    assert status.closed_gates_fraction == pytest.approx(closed.mean())
    assert status.closed_gates_fraction != status.removed_weights_fraction
    assert snapshot.step == status.step == status.total_steps == 24
    assert set(status.metrics) <= set(METRICS) and status.score == status.metrics["accuracy"]


def test_gates_are_stored_more_often_early_on_than_they_are_evaluated(make_run):
    run = make_run(eval_steps=12)
    assert execute(run, "cpu").state == "finished"
    assert run.snapshot_steps() == [5, 10, 12, 15, 24]
    rows = current_rows(run.metrics_reader().read_new())
    removed = {row["step"]: row["closed_gates_fraction"] for row in rows if row["kind"] == "train"}
    assert run.snapshot(15).closed.mean() == pytest.approx(removed[15], abs=1e-3)  # float16


@pytest.mark.parametrize(
    ("method", "units"),
    [
        ("finegates", "matrices"), ("finegates-official", "matrices"),
        ("finegates+lora", "matrices"), ("finegates+full", "hidden,heads,neurons"),
        ("graspruned", "heads,neurons"),
    ],
)  # fmt: skip
def test_resumed_run_equals_an_uninterrupted_one(make_run, method, units):
    settings = {**QUICK, "method": method, "gate_units": tuple(units.split(","))}
    whole, broken = make_run(**settings), make_run(**settings)
    execute(whole, "cpu")
    assert stopped_and_resumed(broken, 10).state == "finished"
    lines = broken.metrics_reader().read_new()
    assert [row["step"] for row in lines if row["kind"] == "resumed"] == [10]
    assert curve(broken) == curve(whole)
    assert np.array_equal(broken.snapshot().means, whole.snapshot().means)


@pytest.mark.parametrize("method", ["sara", "dynamic-subset", "shears"])
def test_a_resumed_sparse_run_keeps_what_an_uninterrupted_one_does(make_run, method):
    whole, broken = (make_run(method=method, epochs=2) for _ in range(2))
    execute(whole, "cpu")
    assert stopped_and_resumed(broken, 10).state == "finished"  # SaRA has chosen again after 6
    kept, same = (load_file(r.path / "trained" / "trained.safetensors") for r in (whole, broken))
    assert kept.keys() == same.keys()
    assert all(torch.equal(kept[name], same[name]) for name in kept)
    assert curve(broken) == curve(whole)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_curve_and_another_one_does_not(make_run):
    runs = [make_run(seed=0), make_run(seed=0), make_run(seed=1)]
    for run in runs:
        execute(run, "cpu")
    assert curve(runs[0]) == curve(runs[1]) != curve(runs[2])


@pytest.mark.parametrize("units", [("matrices",), ("hidden", "heads", "neurons")])
def test_base_weights_are_never_modified(make_run, units):
    run = make_run(lora_rank=2, gate_units=units)
    session = open_session(run.spec, load_splits(run.spec), "cpu")
    before = {n: p.clone() for n, p in session.model.named_parameters() if not p.requires_grad}
    train(Journal(run), load_splits(run.spec), "cpu", lambda journal: None)
    original, _ = load_pretrained(run.spec.model, ["a", "b"], "classification")
    kept = dict(original.named_parameters())
    for name, value in before.items():
        assert torch.equal(value, kept[name.replace("base_layer.", "")])


def test_each_kind_of_parameter_moves_at_its_own_rate(make_run):
    rates = {"gate_learning_rate": 0.0, "adapter_learning_rate": 1e-2, "learning_rate": 1e-3}
    run = make_run(**rates, lora_rank=2, max_grad_norm=0.0)
    session = open_session(run.spec, load_splits(run.spec), "cpu")
    gates = session.gates.means_array()
    low_rank = next(gated_linears(session.model)).low_rank.b.clone()
    bias = next(gated_linears(session.model)).bias.clone()
    batch = next(iter(session.validation))
    train_step(session, batch, step=1)
    assert np.array_equal(session.gates.means_array(), gates)
    after = next(gated_linears(session.model))
    assert float((after.low_rank.b - low_rank).abs().max().detach()) == pytest.approx(
        1e-2, rel=0.05
    )
    assert float((after.bias - bias).abs().max().detach()) == pytest.approx(1e-3, rel=0.05)


def test_evaluation_is_the_plain_models_when_all_gates_are_open(make_run):
    run = make_run()
    session = open_session(run.spec, load_splits(run.spec), "cpu")
    scores = evaluate(session)
    torch.manual_seed(run.spec.seed)
    model, tokenizer = load_pretrained(run.spec.model, session.splits.labels, "classification")
    model.eval()
    frame = session.splits.validation
    encoded = tokenizer(list(frame["text"]), padding=True, truncation=True, return_tensors="pt")
    with torch.no_grad():
        predictions = model(**encoded).logits.argmax(-1).numpy()
    assert scores["accuracy"] == pytest.approx((predictions == frame["label"].to_numpy()).mean())


def test_regression_and_pairs_are_trained(toy_model_dir, tmp_path):
    path = tmp_path / "scores.csv"
    rows = [f"the cat {'sleeps ' * (i % 7)},a dog,{(i % 7) / 7}" for i in range(60)]
    path.write_text("\n".join(["text,other,score", *rows]))
    given = {**QUICK, "max_train_samples": None, "epochs": 1, "model": str(toy_model_dir)}
    spec = make_spec({**given, "data": str(path), "pair_column": "other", "problem": "regression"})
    status = execute(create_run(spec, {}, tmp_path / "runs"), "cpu")
    assert status.state == "finished", status.reason
    assert status.metric == "pearson"
    assert set(status.metrics) == {"pearson", "spearman", "rmse", "rmse_of_mean"}


def test_a_regression_starts_at_the_mean_of_its_training_labels(toy_model_dir, tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text(
        "\n".join(["text,score", *(f"the cat sleeps {i},{40 + i % 5}" for i in range(60))])
    )
    given = {**QUICK, "max_train_samples": None, "model": str(toy_model_dir)}
    spec = make_spec({**given, "data": str(path), "problem": "regression"})
    session = open_session(spec, load_splits(spec), "cpu")
    with torch.no_grad():
        answers = session.model.eval()(**next(iter(session.validation))).logits.numpy()
    answers = session.label_scale.restored(answers)
    assert np.abs(answers - session.splits.train["label"].mean()).max() < 2


def test_a_loss_that_is_no_number_fails_with_the_reason(make_run, monkeypatch):
    run = make_run()
    monkeypatch.setattr(
        "finegates.nn.penalty.BudgetPenalty.forward", lambda *_: torch.tensor(float("nan"))
    )
    status = execute(run, "cpu")
    assert status.state == "failed" and "not a finite number" in status.reason


def test_a_budget_waits_for_its_beginning_and_is_met_all_the_same(make_run):
    run = make_run(target_sparsity=0.4, target_delay_fraction=0.3, target_warmup_fraction=0.6)
    status = execute(run, "cpu")
    assert abs(status.removed_weights_fraction - 0.4) < 0.005
    rows = [r for r in run.metrics_reader().read_new() if r["kind"] == "train"]
    for row in rows:
        waits = row["step"] <= 0.3 * status.total_steps
        assert (row["current_target"] == 0) == waits
        assert not (waits and row["penalty"])


@pytest.mark.parametrize(("high", "ends"), [(60.0, "failed"), (40.0, "finished")])
def test_a_loss_that_stays_far_above_its_lowest_fails_with_the_reason(
    make_run, monkeypatch, high, ends
):
    def rising(session, batch, step):
        losses = train_step(session, batch, step)
        return {**losses, "task_loss": torch.tensor(0.5 if step <= 10 else high)}

    monkeypatch.setattr("finegates.training.loop.train_step", rising)
    status = execute(make_run(), "cpu")
    assert status.state == ends
    assert ("The loss diverges: 60" in status.reason) == (ends == "failed")


def test_changed_data_is_refused_on_resume(toy_model_dir, tmp_path):
    spec = make_spec({"model": str(toy_model_dir), **QUICK})
    run = create_run(spec, {"fingerprint": "0" * 64}, tmp_path / "runs")
    status = execute(run, "cpu")
    assert status.state == "failed" and "has changed" in status.reason


def test_bfloat16_is_taken_only_where_asked_or_at_home():
    assert resolve_precision("cpu", "fp32") == "no"
    assert resolve_precision("cpu", "bf16") == "bf16"
    assert resolve_precision("mps", "auto") == "no"
