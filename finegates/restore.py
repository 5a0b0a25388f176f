"""A finished run's model without its data: what exporting and timing need."""

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from finegates.adapt import adapt
from finegates.checkpoint import load_trained
from finegates.errors import RunError
from finegates.pretrained import load_pretrained
from finegates.runs import Run


def check_finished(run: Run) -> None:
    """Raises RunError unless the run is finished."""
    if (state := run.status().state) != "finished":
        raise RunError(f"{run.id} is {state}; only a finished run has a model to work with.")


def restore_model(run: Run) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model as training left it, in evaluation, gates held, and its tokenizer.

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
