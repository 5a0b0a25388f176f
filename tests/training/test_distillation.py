"""Imitating a dense run."""

import math

import pytest
import torch

from finegates.data.splits import load_splits
from finegates.errors import DataError
from finegates.jobs.inputs import check_inputs
from finegates.jobs.worker import execute
from finegates.runs.folder import create_run
from finegates.spec import make_spec
from finegates.training.distillation import distillation_loss, teacher_outputs

QUICK = {"max_train_samples": 96, "batch_size": 16, "epochs": 2, "precision": "fp32"}


@pytest.fixture
def make_run(toy_model_dir, tmp_path):
    def make(**changes):
        spec = make_spec({"model": str(toy_model_dir), **QUICK, **changes})
        return create_run(*check_inputs(spec), tmp_path / "runs")

    return make


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
