"""A regression is trained on labels in units of their spread, and answers in their own."""

import json

import numpy as np
import pytest
import torch

from finegates.data.splits import load_splits
from finegates.errors import DataError
from finegates.files.storage import append_line, read_json
from finegates.gates.cuts import Cut
from finegates.jobs.inputs import check_inputs
from finegates.jobs.worker import execute
from finegates.measuring.evaluation import evaluate_cuts
from finegates.nn.model_parts import answering_linear
from finegates.runs.folder import CHECKPOINT_FOLDER, create_run, current_rows
from finegates.spec import make_spec
from finegates.training.checkpoint import save_checkpoint
from finegates.training.distillation import teacher_outputs
from finegates.training.label_scale import LabelScale
from finegates.training.metrics import label_errors
from finegates.training.records import evaluate
from finegates.training.restore import restore_model, restore_session
from finegates.training.session import open_session
from tests.toy_models import MODEL_TYPES, toy_inputs, toy_model

WORDS = ("bad", "good")


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_folding_gives_the_answers_in_the_labels_unit_for_every_head(model_type):
    model = toy_model(model_type, num_labels=1)
    name, linear = answering_linear(model)
    scale = LabelScale.of([90_000.0, 110_000.0, 250_000.0], centred=linear.bias is not None)
    folded = scale.folded(model)
    assert {*folded} == {f"{name}.{part}" for part, _ in linear.named_parameters()}
    assert {*folded} <= model.state_dict().keys()
    with torch.no_grad():
        trained = model(**toy_inputs()).logits.double()
        model.load_state_dict(folded, strict=False)
        answers = model(**toy_inputs()).logits.double()
    assert torch.allclose(answers, scale.shift + scale.scale * trained, rtol=1e-6)


@pytest.mark.parametrize(
    ("labels", "shift", "scale"),
    [([0, 1, 4, 5], 2.5, 2), ([1, 2, 3, 4], 2.5, 1), ([7, 7], 7, 1), ([-3e5, 3e5], 0, 2**18)],
)
def test_the_unit_is_the_spread_as_a_power_of_two(labels, shift, scale):
    found = LabelScale.of(labels)
    assert found == LabelScale(shift, scale)
    values = np.array(labels, dtype=float)
    assert np.allclose(found.restored(found.standardised(values)), values)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([0, 1e35], "float32"), ([-np.inf, 1], "float32"), ([0, 1e-35], "another unit"),
        ([1.7e9, 1.7e9 + 50], "Subtract a constant"),
    ],
)  # fmt: skip
def test_labels_that_no_model_can_answer_are_a_sentence(labels, words):
    with pytest.raises(DataError, match=words):
        LabelScale.of(labels)


def test_errors_are_in_the_labels_unit_and_never_nan():
    assert label_errors([10, 30], [10, 20], 20) == pytest.approx(
        {"rmse": 50**0.5, "rmse_of_mean": 50**0.5}
    )
    assert label_errors([np.nan, 1], [10, 20], 15) == {"rmse_of_mean": 5.0}


@pytest.fixture
def make_run(toy_model_dir, tmp_path):
    """Runs on prices of some hundred thousand, which one word decides."""
    rng = np.random.default_rng(0)
    rows = [(WORDS[i % 2], f"{200_000 + 80_000 * (i % 2) + rng.normal(0, 9000):.2f}")
            for i in range(96)]  # fmt: skip
    file = tmp_path / "prices.csv"
    lines = [f"a {word} film number {number},{price}" for number, (word, price) in enumerate(rows)]
    file.write_text("\n".join(["text,price", *lines]))

    def make(**changes):
        spec = make_spec(
            {
                "model": str(toy_model_dir), "data": str(file), "label_column": "price",
                "problem": "regression", "batch_size": 8, "epochs": 6, "precision": "fp32",
                "learning_rate": 0.03, **changes,
            }
        )  # fmt: skip
        return create_run(*check_inputs(spec), tmp_path / "runs")

    return make


def finished(run):
    status = execute(run, "cpu")
    assert status.state == "finished", status.reason
    return status


def answers_of(run):
    """Of the kept model to the validation rows, asked as anyone would ask; and the true labels."""
    model, tokenizer = restore_model(run)
    rows = load_splits(run.spec).validation
    encoded = tokenizer(list(rows["text"]), padding=True, return_tensors="pt")
    with torch.no_grad():
        return model(**encoded).logits[:, 0].numpy(), rows["label"].to_numpy()


GATED = {"target_sparsity": 0.1}
FULL = {"method": "full", "encoder_learning_rate": 0.01}
LORA = {"method": "lora", "lora_rank": 4, "adapter_learning_rate": 0.01}


@pytest.mark.parametrize(
    "settings",
    [
        {"method": "finegates", **GATED},
        pytest.param({"method": "magnitude", **GATED}, marks=pytest.mark.slow),
        pytest.param(LORA, marks=pytest.mark.slow),
        pytest.param(FULL, marks=pytest.mark.slow),
    ],
    ids=lambda settings: settings["method"],
)
def test_a_run_answers_in_the_labels_unit_and_beats_the_mean(make_run, settings):
    run = make_run(**settings)
    status = finished(run)
    answers, true = answers_of(run)
    rmse = float(np.sqrt(((answers - true) ** 2).mean()))
    assert status.metrics["rmse"] == pytest.approx(rmse, rel=1e-4)
    assert status.metrics["rmse_of_mean"] == pytest.approx(true.std(), rel=0.1)
    assert rmse < 0.9 * status.metrics["rmse_of_mean"]
    assert evaluate(restore_session(run, "cpu")) == pytest.approx(status.metrics, rel=1e-4)
    (point,) = evaluate_cuts(run, [Cut(remove=0.2)], "cpu")
    assert point["metrics"]["rmse_of_mean"] == status.metrics["rmse_of_mean"]
    rows = current_rows(run.metrics_reader().read_new())
    assert [r for r in rows if r["kind"] == "eval"][-1]["metrics"] == status.metrics
    assert (run.row()["rmse"], run.row()["rmse_of_mean"]) == (
        status.metrics["rmse"], status.metrics["rmse_of_mean"],
    )  # fmt: skip


@pytest.mark.slow
def test_a_student_of_a_regression_learns_in_its_own_unit(make_run):
    teacher = make_run(**FULL)
    finished(teacher)
    splits = load_splits(teacher.spec)
    outputs = teacher_outputs(
        make_run(teacher=teacher.id).spec, splits.fingerprint, teacher.path.parent, "cpu"
    )
    assert 150_000 < float(outputs.mean()) < 350_000
    student = make_run(teacher=teacher.id, method="finegates", distillation_weight=1.0, **GATED)
    metrics = finished(student).metrics
    assert metrics["rmse"] < 0.9 * metrics["rmse_of_mean"]


@pytest.mark.slow
def test_a_resumed_regression_is_the_uninterrupted_one(make_run):
    whole, halted = make_run(method="finegates"), make_run(method="finegates")
    finished(whole)
    stopped = execute(halted, "cpu", lambda journal: _stop_once(halted, journal))
    assert stopped.state == "stopped" and 0 < stopped.step < whole.status().step
    (halted.path / "stop").unlink()
    _queue(halted)
    finished(halted)
    assert halted.status().metrics == whole.status().metrics
    assert np.array_equal(answers_of(halted)[0], answers_of(whole)[0])


@pytest.mark.slow
def test_a_checkpoint_from_before_labels_were_scaled_goes_on_in_their_unit(make_run):
    run = make_run(method="finegates")
    session = open_session(run.spec, load_splits(run.spec), "cpu")
    session.label_scale = None
    with torch.no_grad():
        answering_linear(session.model)[1].bias.fill_(240_000)
    save_checkpoint(run, session, 1)
    state = run.path / CHECKPOINT_FOLDER / "state.json"
    content = read_json(state)
    content.pop("label_scale")
    state.write_text(json.dumps(content))
    append_line(run.path / "metrics.jsonl", {"kind": "train", "step": 1})
    finished(run)
    answers, _ = answers_of(run)
    assert 150_000 < answers.mean() < 350_000


def _stop_once(run, journal):
    if journal.status.step >= 20:
        (run.path / "stop").touch()


def _queue(run):
    status = json.loads((run.path / "status.json").read_text())
    (run.path / "status.json").write_text(json.dumps({**status, "state": "queued"}))
