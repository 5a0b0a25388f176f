"""Claims about a training that reads each batch twice: AdaMix's, of all kinds of data."""

import pytest
import torch

from finegates.data.splits import load_splits
from finegates.jobs.inputs import check_inputs
from finegates.jobs.worker import execute
from finegates.runs.folder import create_run, current_rows
from finegates.spec import make_spec
from finegates.training.batches import training_batches
from finegates.training.loop import train_step
from finegates.training.restore import restore_model
from finegates.training.session import open_session
from tests.toy_models import save_toy_language_model, toy_text
from tests.training.stopping import stopped_and_resumed

pytestmark = pytest.mark.usefixtures("one_thread")
QUICK = {
    "method": "adamix", "max_train_samples": 64, "batch_size": 16, "epochs": 2, "precision": "fp32",
    "adapter_learning_rate": 0.03,
}  # fmt: skip


@pytest.fixture
def spec_of(toy_model_dir):
    return lambda **changes: make_spec({"model": str(toy_model_dir), **QUICK, **changes})


def losses_of_a_step(spec):
    """The losses of the first step, and the session after it."""
    session = open_session(spec, load_splits(spec), "cpu")
    loader = training_batches(session.train_rows, session.tokenizer, spec.batch_size, 0, 0)
    return train_step(session, next(iter(loader)), 1), session


def losses_of(run):
    rows = current_rows(run.metrics_reader().read_new())
    return [(row["step"], row["loss"]) for row in rows if row["kind"] == "train"]


def test_a_resumed_training_draws_the_same_experts(spec_of, tmp_path):
    whole, broken = (create_run(*check_inputs(spec_of()), tmp_path) for _ in range(2))
    assert execute(whole, "cpu").state == "finished"
    assert stopped_and_resumed(broken, 5).state == "finished"
    assert losses_of(broken) == losses_of(whole) and len(losses_of(whole)) == 2
    states = [restore_model(run)[0].state_dict() for run in (whole, broken)]
    assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())


def test_the_loss_is_the_tasks_of_the_first_reading_and_the_agreement(spec_of):
    losses, session = losses_of_a_step(spec_of(dropout=0.0, num_experts=1))
    assert losses["loss"] == losses["task_loss"], "one expert and no dropout: the same reading"
    losses, session = losses_of_a_step(spec_of())
    assert losses["loss"] > losses["task_loss"]
    moved = [len(session.optimizer.state[p]) > 0 for p in session.adapted.adapter_parameters]
    assert 0 < sum(moved) < len(moved), "experts that neither reading drew wait"


def test_a_language_model_is_read_twice_too(spec_of, tmp_path):
    book = tmp_path / "book.txt"
    book.write_text("\n\n".join(toy_text()))
    model = str(save_toy_language_model(tmp_path / "model"))
    losses, _ = losses_of_a_step(spec_of(model=model, data=str(book), task="text", max_length=16))
    assert losses["task_loss"] < losses["loss"] < losses["task_loss"] + 1
