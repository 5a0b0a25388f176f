"""Trains a model on that the library can't load by itself, by the library's own loop and data."""

from collections.abc import Callable

from torch import Tensor
from transformers import PreTrainedModel

from finegates.models.record import BASE_MODEL
from finegates.runs.folder import Run
from finegates.spec import RunSpec
from finegates.training.adapt import adapt
from finegates.training.batches import TEACHER_KEY, batches_in_order
from finegates.training.distillation import outputs_of
from finegates.training.loop import steps_from, teach, train_step
from finegates.training.optimizer import make_optimizer, make_schedule
from finegates.training.restore import restore_model, restore_splits
from finegates.training.session import Session, open_session

LOOKED_AT_ROWS = 256
"""Training rows that an importance by gradients reads, as many as the library's `sensitivity`."""

Batches = list[dict[str, Tensor]]
Prune = Callable[[PreTrainedModel, Batches], PreTrainedModel]


def pruned_and_recovered(reference: Run, spec: RunSpec, prune: Prune) -> PreTrainedModel:
    """A fine-tuned model pruned at once and then trained on, imitating what it was.

    Args:
        reference: A finished dense run.
        spec: Of the training, of the dense method `full`, on the run's own data.
        prune: Makes the smaller model from the run's and some training rows with labels.
    """
    dense, _ = restore_model(reference)
    recorded = reference.record["data"].get(BASE_MODEL)
    start = dense.state_dict()
    session = open_session(spec, restore_splits(reference), "cpu", recorded, start=start)
    teach(session, outputs_of(session))
    rows = [_untaught(row) for row in session.train_rows[:LOOKED_AT_ROWS]]
    batches = list(batches_in_order(rows, session.tokenizer, spec.batch_size))
    _put_in(session, prune(dense, batches))
    for step, batch in steps_from(session, 0):
        train_step(session, batch, step)
    return session.accelerator.unwrap_model(session.model).eval()


def _untaught(row: dict) -> dict:
    return {name: value for name, value in row.items() if name != TEACHER_KEY}


def _put_in(session: Session, model: PreTrainedModel) -> None:
    """Makes a session train this model in place of its own."""
    session.adapted = adapt(model, session.spec)
    optimizer = make_optimizer(model, session.spec, session.adapted)
    session.schedule = make_schedule(
        optimizer, session.spec.lr_schedule, session.total_steps, session.spec.lr_warmup_fraction
    )
    session.model, session.optimizer = session.accelerator.prepare(model, optimizer)
