"""A finished run brought back from its folder: its model, its data, its session."""

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from finegates.adapters import drop_aids
from finegates.data.splits import TextSplits, load_same_splits
from finegates.errors import RunError
from finegates.models.record import BASE_MODEL
from finegates.nn.pretrained import load_pretrained
from finegates.runs.folder import Run
from finegates.training.adapt import adapt
from finegates.training.checkpoint import load_trained
from finegates.training.session import Session, open_session


def check_finished(run: Run) -> None:
    """Raises RunError unless the run is finished."""
    if (state := run.status().state) != "finished":
        raise RunError(f"{run.id} is {state}; only a finished run has a model to work with.")


def restore_model(run: Run) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model as training left it, in evaluation, gates held, and its tokenizer. Reads no data.

    It is in float32, with the values that its weights had in a run's ``base_dtype``.

    Raises:
        RunError: If the run is not finished, does not name its labels, or its weights are gone.
        ModelError: If its base model can't be loaded, or has changed since.
    """
    check_finished(run)
    data = run.record["data"]
    if "labels" not in data or "problem" not in data:
        raise RunError(f"{run.id} does not say which labels its data has; train it again.")
    torch.manual_seed(run.spec.seed)
    model, tokenizer = load_pretrained(
        run.spec.model, data["labels"], data["problem"], recorded=data.get(BASE_MODEL),
        base_dtype=run.spec.base_dtype,
    )  # fmt: skip
    load_trained(run, model, adapt(model, run.spec))
    drop_aids(model)
    return model.float().eval(), tokenizer


def restore_splits(run: Run) -> TextSplits:
    """The data of a run.

    Raises:
        DataError: If it can't be read, or has changed since.
    """
    return load_same_splits(run.id, run.spec, run.record["data"].get("fingerprint"))


def restore_session(run: Run, device: str) -> Session:
    """A finished run's model, gates held as they were at its end, and its data.

    Raises:
        RunError: If the run is not finished, or its weights are gone or damaged.
        DataError: If its data has changed, or can't be read.
        ModelError: If its base model can't be loaded, or has changed since.
    """
    check_finished(run)
    base_model = run.record["data"].get(BASE_MODEL)
    session = open_session(run.spec, restore_splits(run), device, base_model, begins=False)
    model = session.accelerator.unwrap_model(session.model)
    load_trained(run, model, session.adapted)
    drop_aids(model)
    session.label_scale = None  # the kept head answers in the label's unit
    return session
