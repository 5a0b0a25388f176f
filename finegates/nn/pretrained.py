"""Loads a pretrained classifier and its tokenizer: safetensors only, no remote code."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import transformers

from finegates.errors import ModelError, first_line
from finegates.models import tokens
from finegates.models.architectures import architecture_of
from finegates.models.head_labels import kept_order, no_head, output_names, started_order
from finegates.models.record import REVISION, check_unchanged
from finegates.models.sources import (
    EMBEDDED_MODEL,
    check_model,
    find_model,
    hub_unreachable,
    verify_embedded_weights,
)
from finegates.nn.loaded import check_loaded, check_tokenizer_read
from finegates.nn.model_parts import answering_linear, order_outputs
from finegates.spec import BFLOAT16, CAUSAL_LM, FLOAT32

DTYPES = {FLOAT32: torch.float32, BFLOAT16: torch.bfloat16}
"""Of all weights, whatever the folder holds, as a spec's ``base_dtype`` says."""
_FORWARD = "reads_forward"
"""Of a tokenizer: whether its model is a decoder."""
_HEAD_SPREAD = 0.02
"""Of a head that is drawn, where the config does not say it."""


def load_pretrained(
    name: str,
    labels: Sequence[str],
    problem: str,
    *,
    recorded: Mapping[str, str] | None = None,
    paired: bool = False,
    start_labels: Sequence[str] | None = None,
    base_dtype: str = FLOAT32,
) -> tuple[transformers.PreTrainedModel, transformers.PreTrainedTokenizerBase]:
    """A model with a head for a task, and its tokenizer, which fits it.

    The head of a classifier whose outputs have the names of the labels is kept, its outputs in the
    labels' order. Else its last Linear is drawn from torch's global generator: seed it before.

    Args:
        name: ``minilm``, a hub id, or a local folder.
        labels: Class names in the order of their ids; empty for regression and language models.
        problem: ``classification``, ``regression``, or ``causal-lm`` for a language model with the
            head that its files hold.
        recorded: What a run has recorded of it (`finegates.models.record`): another model in its
            place is refused, and of the hub that very commit is loaded.
        paired: Whether the task's rows have two texts.
        start_labels: If given, it is started from: its head has to be kept, a number's too. The
            label of each of its outputs; empty to go by the outputs' own names.
        base_dtype: What the weights are held in, a key of `DTYPES`.

    Raises:
        ModelError: If it can't be found, is refused, is damaged, has changed, is not supported, or
            has no head for these labels where it is started from.
    """
    recorded = recorded or {}
    saved = check_model(name)
    revision, dtype = recorded.get(REVISION, "main"), DTYPES[base_dtype]
    if problem == CAUSAL_LM:
        check_unchanged(name, recorded)
        kind = transformers.AutoModelForCausalLM
        model, _, tokenizer = _checked(name, kind, {}, revision, dtype, paired=False)
        return model, tokenizer
    order = kept_order(saved, labels, problem)
    if start_labels is not None:
        order = started_order(name, output_names(saved), labels, problem, start_labels)
    check_unchanged(name, recorded)
    if name == EMBEDDED_MODEL:
        verify_embedded_weights()
    model, report, tokenizer = _checked(
        name, transformers.AutoModelForSequenceClassification, _task(labels, problem), revision,
        dtype, paired,
    )  # fmt: skip
    has_head = not _is_new(answering_linear(model)[0], report)
    if start_labels is not None and not has_head:
        raise no_head(name)
    if has_head and order is not None:
        order_outputs(model, order)
    elif has_head:
        _draw(answering_linear(model)[1], getattr(model.config, "initializer_range", _HEAD_SPREAD))
    return model, tokenizer


def _checked(
    name: str,
    kind: Any,
    settings: Mapping[str, Any],
    revision: str,
    dtype: torch.dtype,
    paired: bool,
) -> tuple[Any, dict, Any]:
    """As `_read`, of weights and a tokenizer that were looked at; decoders are made ready."""
    model, report, tokenizer = _read(name, kind, settings, revision, dtype)
    check_loaded(name, model, report, dtype)
    if architecture_of(model.config.model_type).is_decoder:
        _prepare_decoder(model, tokenizer)
    check_tokenizer_read(name, model.config, tokenizer, paired)
    return model, report, tokenizer


def _read(
    name: str, kind: Any, settings: Mapping[str, Any], revision: str, dtype: torch.dtype
) -> tuple[Any, dict, Any]:
    """The model, what transformers reports of loading it, and the tokenizer."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    source: dict[str, Any] = {
        "pretrained_model_name_or_path": find_model(name).location,
        "revision": revision,
        "trust_remote_code": False,
    }
    try:
        # A config made first: one that the Auto class makes itself may take the folder's precision.
        config = transformers.AutoConfig.from_pretrained(**source, **settings)
        model, report = kind.from_pretrained(
            **source,
            config=config,
            use_safetensors=True,
            dtype=dtype,
            ignore_mismatched_sizes=True,  # a head for other labels is replaced
            output_loading_info=True,
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(**source)
    except ConnectionError as error:
        raise hub_unreachable(name) from error
    except Exception as error:  # loaders and their Rust parts raise a dozen types, Exception too
        raise ModelError(f"The model '{name}' can't be loaded: {first_line(error)}") from error
    return model, report, tokenizer


def _is_new(linear: str, report: Mapping[str, Any]) -> bool:
    """Whether transformers drew a Linear, since the files hold none, or one for other labels."""
    drawn = {*report["missing_keys"], *(entry[0] for entry in report["mismatched_keys"])}
    return any(key.startswith(f"{linear}.") for key in drawn)


@torch.no_grad()
def _draw(linear: torch.nn.Linear, spread: float) -> None:
    torch.nn.init.normal_(linear.weight, std=spread)
    if linear.bias is not None:
        torch.nn.init.zeros_(linear.bias)


def _prepare_decoder(
    model: transformers.PreTrainedModel, tokenizer: transformers.PreTrainedTokenizerBase
) -> None:
    """Makes a decoder know its padding: at the right, where no loss looks, by a token it has."""
    if tokenizer.pad_token is None and tokenizer.eos_token is not None:
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.padding_side = "right"
    setattr(tokenizer, _FORWARD, True)
    model.config.pad_token_id = tokenizer.pad_token_id
    model.config.use_cache = False  # of one pass: nothing is written on


def reads_forward(tokenizer: transformers.PreTrainedTokenizerBase) -> bool:
    """Whether the model of a tokenizer is a decoder, of what `load_pretrained` gave."""
    return getattr(tokenizer, _FORWARD, False)


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
