"""Imitating a dense run."""

import math
import shutil

import pytest
import torch
from transformers import AutoConfig

from finegates.data.splits import load_splits
from finegates.errors import DataError
from finegates.gates.laws import make_law
from finegates.jobs.worker import execute
from finegates.nn.attach import attach_gates
from finegates.nn.imitation import hidden_loss
from finegates.training.distillation import distillation_loss, teacher_outputs
from finegates.training.restore import restore_model
from tests.toy_models import MODEL_TYPES, toy_inputs, toy_model


@pytest.fixture
def teacher(make_run):
    run = make_run(method="lora", lora_rank=2)
    assert execute(run, "cpu").state == "finished"
    return run


def test_loss_is_the_divergence_by_hand():
    student, teacher = torch.tensor([[1.0, -1.0]]), torch.tensor([[0.0, 0.5]])

    def softmax(row):
        exps = [math.exp(v / 2) for v in row]
        return [e / sum(exps) for e in exps]

    p, q = softmax([0.0, 0.5]), softmax([1.0, -1.0])
    expected = 4 * sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
    assert float(distillation_loss(student, teacher, 2.0)) == pytest.approx(expected, rel=1e-5)
    assert float(distillation_loss(teacher, teacher, 2.0)) == pytest.approx(0, abs=1e-6)


def test_a_number_is_imitated_by_its_square():
    loss = distillation_loss(torch.tensor([[1.0], [3.0]]), torch.tensor([[2.0], [3.0]]), 2.0)
    assert float(loss) == pytest.approx(0.5)


def test_the_teachers_outputs_are_in_the_order_of_the_rows(make_run, teacher):
    spec = make_run(teacher=teacher.id).spec
    splits = load_splits(spec)
    outputs = teacher_outputs(spec, splits.fingerprint, teacher.path.parent, "cpu")
    assert outputs.shape == (len(splits.train), 2)
    swapped = splits.train["label"].to_numpy()
    assert (outputs.argmax(-1).numpy() == swapped).mean() > 0.4


@pytest.mark.slow
def test_a_taught_run_learns_otherwise_and_finishes(make_run, teacher):
    taught, alone = make_run(teacher=teacher.id, distillation_weight=1.0), make_run()
    first, second = execute(taught, "cpu"), execute(alone, "cpu")
    assert first.state == second.state == "finished", first.reason
    rows = [run.metrics_reader().read_new()[-2] for run in (taught, alone)]
    assert rows[0]["loss"] != rows[1]["loss"]


def test_a_teacher_on_other_rows_is_refused(make_run, teacher):
    status = execute(make_run(teacher=teacher.id, max_train_samples=64), "cpu")
    assert status.state == "failed" and "other rows" in status.reason


def test_a_teacher_that_is_not_there_is_refused(make_run):
    status = execute(make_run(teacher="nobody"), "cpu")
    assert status.state == "failed" and "nobody" in status.reason


def test_teacher_of_other_data_raises(make_run, teacher):
    with pytest.raises(DataError, match="other rows"):
        teacher_outputs(make_run(teacher=teacher.id).spec, "0" * 64, teacher.path.parent, "cpu")


def test_hidden_states_are_compared_after_each_layer_and_without_padding():
    student = [torch.full((2, 3, 4), value) for value in (9.0, 1.0, 3.0)]
    teacher = [torch.zeros(2, 3, 4)] * 3
    assert float(hidden_loss(student, teacher, None)) == pytest.approx((1 + 9) / 2)
    student[2][1, 2] = 100.0
    mask = torch.ones(2, 1, 1, 3, dtype=torch.bool)
    mask[1, 0, 0, 2] = False
    assert float(hidden_loss(student, teacher, mask)) == pytest.approx((1 + 9) / 2)


@pytest.mark.slow
@pytest.mark.parametrize("named", ["a run", "start"])
def test_imitated_hidden_states_stay_nearer_to_the_teachers(make_run, named):
    dense = make_run(method="full", epochs=1)
    assert execute(dense, "cpu").state == "finished"
    teacher = dense.id if named == "a run" else "start"
    settings = {
        "method": "finegates+full", "start_from": dense.id, "teacher": teacher,
        "target_sparsity": 0.3, "distillation_weight": 0.0, "dropout": 0.0,
    }  # fmt: skip
    distances = []
    for weight in (0.0, 10.0):
        run = make_run(**settings, hidden_distillation_weight=weight)
        status = execute(run, "cpu")
        assert status.state == "finished", status.reason
        distances.append(_distance(run, dense))
    assert distances[1] < 0.9 * distances[0], distances


def _distance(first, second):
    states = []
    for run in (first, second):
        model, tokenizer = restore_model(run)
        texts = list(load_splits(run.spec).validation["text"][:32])
        encoded = tokenizer(texts, padding=True, return_tensors="pt")
        with torch.no_grad():
            states.append(model(**encoded, output_hidden_states=True).hidden_states)
    return float(hidden_loss(*states, encoded["attention_mask"].bool()[:, None, None, :]))


def test_a_teacher_of_another_shape_has_no_hidden_states_to_imitate(
    make_run, teacher, toy_model_dir, tmp_path
):
    shutil.copytree(toy_model_dir, tmp_path / "deeper")
    words = AutoConfig.from_pretrained(toy_model_dir).vocab_size
    deeper = toy_model(vocab_size=words, max_position_embeddings=64, num_hidden_layers=3)
    deeper.save_pretrained(tmp_path / "deeper")
    run = make_run(
        model=str(tmp_path / "deeper"), teacher=teacher.id, hidden_distillation_weight=1.0
    )
    status = execute(run, "cpu")
    assert status.state == "failed"
    assert "2 layers of width 16 and this model 3 of 16" in status.reason


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_every_architecture_gives_its_hidden_states_with_gates_too(model_type):
    plain, gated = toy_model(model_type), toy_model(model_type)
    attach_gates(gated, make_law("gaussian"))
    inputs = toy_inputs()
    mask = inputs["attention_mask"].bool()[:, None, None, :]
    inputs["attention_mask"] = mask
    with torch.no_grad():
        states = [m(**inputs, output_hidden_states=True).hidden_states for m in (plain, gated)]
    assert len(states[1]) == 1 + plain.config.num_hidden_layers
    assert torch.isfinite(hidden_loss(*states, mask))
