"""Loads a pretrained classifier and its tokenizer: safetensors only, no remote code."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import transformers

from finegates.errors import ModelError, first_line
from finegates.models import tokens
from finegates.models.record import REVISION, check_unchanged
from finegates.models.sources import (
    EMBEDDED_MODEL,
    check_model,
    find_model,
    hub_unreachable,
    verify_embedded_weights,
)
from finegates.nn.loaded import check_loaded, check_tokenizer_read

TRAINED_IN = torch.float32
"""Of all weights, whatever the folder holds; less is a matter of autocast."""


def load_pretrained(
    name: str,
    labels: Sequence[str],
    problem: str,
    *,
    recorded: Mapping[str, str] | None = None,
    paired: bool = False,
) -> tuple[transformers.PreTrainedModel, transformers.PreTrainedTokenizerBase]:
    """A model with a new head for a task, in float32, and its tokenizer, which fits it.

    The head is drawn from torch's global generator: seed it before.

    Args:
        name: ``minilm``, a hub id, or a local folder.
        labels: Class names in the order of their ids; empty for regression.
        problem: ``classification`` or ``regression``.
        recorded: What a run has recorded of it (`finegates.models.record`): another model in its
            place is refused, and of the hub that very commit is loaded.
        paired: Whether the task's rows have two texts.

    Raises:
        ModelError: If it can't be found, is refused, is damaged, has changed, or is not supported.
    """
    recorded = recorded or {}
    check_model(name)
    check_unchanged(name, recorded)
    if name == EMBEDDED_MODEL:
        verify_embedded_weights()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    source: dict[str, Any] = {
        "pretrained_model_name_or_path": find_model(name).location,
        "revision": recorded.get(REVISION, "main"),
        "trust_remote_code": False,
    }
    try:
        # A config made first: one that the Auto class makes itself may take the folder's precision.
        config = transformers.AutoConfig.from_pretrained(**source, **_task(labels, problem))
        model, report = transformers.AutoModelForSequenceClassification.from_pretrained(
            **source,
            config=config,
            use_safetensors=True,
            dtype=TRAINED_IN,
            ignore_mismatched_sizes=True,  # a head for other labels is replaced; see below
            output_loading_info=True,
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(**source)
    except ConnectionError as error:
        raise hub_unreachable(name) from error
    except Exception as error:  # loaders and their Rust parts raise a dozen types, Exception too
        raise ModelError(f"The model '{name}' can't be loaded: {first_line(error)}") from error

    check_loaded(name, model, report, TRAINED_IN)
    check_tokenizer_read(name, model.config, tokenizer, paired)
    return model, tokenizer


def longest_input(config: transformers.PretrainedConfig) -> int:
    """Tokens that a model can read at once."""
    names = ("model_type", "max_position_embeddings", "pad_token_id")
    return tokens.longest_input({name: getattr(config, name, None) for name in names})


def _task(labels: Sequence[str], problem: str) -> dict[str, Any]:
    """What the config says of the task."""
    regression = problem == "regression"
    names = ["score"] if regression else list(labels)
    return {
        "id2label": dict(enumerate(names)),
        "label2id": {label: i for i, label in enumerate(names)},
        "problem_type": "regression" if regression else "single_label_classification",
        "chunk_size_feed_forward": 0,  # chunks only save memory, and refuse most lengths
    }
