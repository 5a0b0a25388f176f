"""Loads a pretrained classifier and its tokenizer: safetensors only, no remote code."""

from collections.abc import Sequence

import transformers
from torch import nn

from finegates.errors import ModelError
from finegates.models import EMBEDDED_MODEL, check_model, find_model, hub_unreachable
from finegates.models import verify_embedded_weights as _verify_embedded_weights


def load_pretrained(
    name: str, labels: Sequence[str], problem: str
) -> tuple[nn.Module, transformers.PreTrainedTokenizerBase]:
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
        _verify_embedded_weights()
    location = find_model(name).location
    regression = problem == "regression"
    names = ["score"] if regression else list(labels)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    try:
        model = transformers.AutoModelForSequenceClassification.from_pretrained(
            location,
            use_safetensors=True,
            trust_remote_code=False,
            id2label=dict(enumerate(names)),
            label2id={label: i for i, label in enumerate(names)},
            problem_type="regression" if regression else "single_label_classification",
        )
        return model, _load_tokenizer(location)
    except ConnectionError as error:
        raise hub_unreachable(name) from error
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        line = str(error).strip().split("\n")[0]
        raise ModelError(f"The model '{name}' can't be loaded: {line}") from error


def _load_tokenizer(location: str) -> transformers.PreTrainedTokenizerBase:
    return transformers.AutoTokenizer.from_pretrained(location, trust_remote_code=False)


def longest_input(config: transformers.PretrainedConfig) -> int:
    """Tokens that a model can read; RoBERTa's first positions are taken by padding."""
    positions = int(getattr(config, "max_position_embeddings", 512))
    offset = config.pad_token_id + 1 if _positions_start_after_padding(config) else 0
    return positions - offset


def _positions_start_after_padding(config: transformers.PretrainedConfig) -> bool:
    return config.model_type in ("roberta", "xlm-roberta", "camembert")
