"""Loads a pretrained classifier and its tokenizer: safetensors only, no remote code."""

from collections.abc import Sequence

import torch
import transformers

from finegates.errors import ModelError, first_line
from finegates.models import tokens
from finegates.models.architectures import architecture_of
from finegates.models.sources import (
    EMBEDDED_MODEL,
    check_model,
    find_model,
    hub_unreachable,
    verify_embedded_weights,
)


def load_pretrained(
    name: str, labels: Sequence[str], problem: str
) -> tuple[transformers.PreTrainedModel, transformers.PreTrainedTokenizerBase]:
    """A model with a new head for a task, and its tokenizer.

    The head is drawn from torch's global generator: seed it before.

    Args:
        name: ``minilm``, a hub id, or a local folder.
        labels: Class names in the order of their ids; empty for regression.
        problem: ``classification`` or ``regression``.

    Raises:
        ModelError: If it can't be found, is refused, is damaged, or is not supported.
    """
    check_model(name)
    if name == EMBEDDED_MODEL:
        verify_embedded_weights()
    location = find_model(name).location
    regression = problem == "regression"
    names = ["score"] if regression else list(labels)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    try:
        model, report = transformers.AutoModelForSequenceClassification.from_pretrained(
            location,
            use_safetensors=True,
            dtype=torch.float32,  # a folder in half precision is trained in full, too
            trust_remote_code=False,
            id2label=dict(enumerate(names)),
            label2id={label: i for i, label in enumerate(names)},
            ignore_mismatched_sizes=True,  # a head for other labels is replaced; see below
            output_loading_info=True,
            problem_type="regression" if regression else "single_label_classification",
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(location, trust_remote_code=False)
    except ConnectionError as error:
        raise hub_unreachable(name) from error
    except Exception as error:  # loaders and their Rust parts raise a dozen types, Exception too
        raise ModelError(f"The model '{name}' can't be loaded: {first_line(error)}") from error

    _check_only_head_is_new(name, model, report)
    if len(tokenizer) <= len(tokenizer.all_special_tokens):  # transformers makes an empty one up
        raise ModelError(f"The model '{name}' has no tokenizer; save one into its folder.")
    return model, tokenizer


def longest_input(config: transformers.PretrainedConfig) -> int:
    """Tokens that a model can read at once."""
    names = ("model_type", "max_position_embeddings", "pad_token_id")
    return tokens.longest_input({name: getattr(config, name, None) for name in names})


def _check_only_head_is_new(name: str, model: transformers.PreTrainedModel, report: dict) -> None:
    """A weight that is missing or of another shape would be random, and stay so: it is frozen."""
    head = architecture_of(model.config.model_type).head
    mismatched = {entry[0] for entry in report["mismatched_keys"]}
    random = sorted(k for k in {*report["missing_keys"], *mismatched} if not k.startswith(head))
    if random:
        raise ModelError(
            f"The weights of '{name}' do not fit its config: {len(random)} are missing or of "
            f"another shape, the first is {random[0]}. Give a folder that save_pretrained wrote."
        )
