"""A finished run brought back from its folder: its model, its data, its session."""

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from finegates.data.splits import TextSplits, load_splits
from finegates.errors import DataError, RunError
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

    Raises:
        RunError: If the run is not finished, does not name its labels, or its weights are gone.
        ModelError: If its base model can't be loaded.
    """
    check_finished(run)
    data = run.record["data"]
    if "labels" not in data or "problem" not in data:
        raise RunError(f"{run.id} does not say which labels its data has; train it again.")
    torch.manual_seed(run.spec.seed)
    model, tokenizer = load_pretrained(run.spec.model, data["labels"], data["problem"])
    load_trained(run, model, adapt(model, run.spec))
    return model.eval(), tokenizer


def restore_splits(run: Run) -> TextSplits:
    """The data of a run.

    Raises:
        DataError: If it can't be read, or has changed since.
    """
    splits = load_splits(run.spec)
    recorded = run.record["data"].get("fingerprint")
    if recorded not in (None, splits.fingerprint):
        raise DataError(f"The data of {run.id} has changed since the run was made.")
    return splits


def restore_session(run: Run, device: str) -> Session:
    """A finished run's model, gates held as they were at its end, and its data.

    Raises:
        RunError: If the run is not finished, or its weights are gone or damaged.
        DataError: If its data has changed, or can't be read.
    """
    check_finished(run)
    session = open_session(run.spec, restore_splits(run), device)
    load_trained(run, session.accelerator.unwrap_model(session.model), session.adapted)
    return session
