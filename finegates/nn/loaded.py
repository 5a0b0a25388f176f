"""What transformers handed back, compared with what was asked of it: nothing random, nothing lost.

The loader fills in what is missing, drops what has no place, puts adapters on top and may keep
another precision, all without an error.
"""

from collections.abc import Mapping
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from finegates.errors import ModelError, first_line
from finegates.models.architectures import architecture_of
from finegates.models.fit import TokenizerFacts, check_fit, last_of

_WORD = "a"


def check_loaded(
    name: str, model: PreTrainedModel, report: Mapping[str, Any], dtype: torch.dtype
) -> None:
    """Checks that the encoder is whole and that of the files.

    Args:
        name: The model, for messages.
        model: As loaded; its head may be new.
        report: What transformers found, its ``output_loading_info``.
        dtype: What was asked for.

    Raises:
        ModelError: If a weight of the encoder is random, was left out, or is no number, if another
            precision was kept, or if an adapter was loaded on top.
    """
    if getattr(model, "_hf_peft_config_loaded", False):
        raise ModelError(
            f"'{name}' brings an adapter along (adapter_config.json) that was loaded on top of the "
            "model. Merge it with peft's merge_and_unload and give the folder that save_pretrained "
            "then writes, or give the model without it."
        )
    if errors := report.get("error_msgs"):
        raise ModelError(f"The model '{name}' can't be loaded: {first_line(Exception(errors[0]))}")
    _check_nothing_random(name, model, report)
    _check_nothing_lost(name, model, report)
    for key, tensor in model.state_dict().items():
        if tensor.is_floating_point() and tensor.dtype != dtype:
            raise ModelError(
                f"The model '{name}' was asked for in {dtype} and came with {key} in "
                f"{tensor.dtype}; save it in float32 and give that folder."
            )
        if tensor.is_floating_point() and not tensor.sum().isfinite():
            raise ModelError(
                f"The weights of '{name}' hold values that are no numbers (in {key}): they were "
                "damaged, or did not fit the precision that they were saved in."
            )


def check_tokenizer_read(
    name: str, config: Any, tokenizer: PreTrainedTokenizerBase, paired: bool
) -> None:
    """Raises ModelError if a tokenizer knows no words, or its model can't read what it gives.

    Args:
        name: The model, for messages.
        config: Of the model.
        tokenizer: As loaded.
        paired: Whether rows have two texts.
    """
    if len(tokenizer) <= len(tokenizer.all_special_tokens):  # transformers makes an empty one up
        raise ModelError(f"The model '{name}' has no tokenizer; save one into its folder.")
    pads = tokenizer.pad_token is not None
    encoded = (tokenizer(_WORD), tokenizer(_WORD, _WORD))
    single, pair = (max(one.get("token_type_ids", ()), default=0) for one in encoded)
    facts = TokenizerFacts(
        *last_of(tokenizer.get_vocab(), tokenizer.mask_token),
        segments=(single, pair),
        pads=pads,
        pad_id=tokenizer.pad_token_id if pads else None,
    )
    check_fit(name, config.to_dict(), facts, paired)


def _check_nothing_random(name: str, model: PreTrainedModel, report: Mapping[str, Any]) -> None:
    """A weight that is missing or of another shape would be random, and stay so: it is frozen."""
    head = architecture_of(model.config.model_type).head
    mismatched = {entry[0] for entry in report["mismatched_keys"]}
    random = sorted(k for k in {*report["missing_keys"], *mismatched} if not k.startswith(head))
    if random and all(".pooler." in key for key in random):
        raise ModelError(
            f"'{name}' has no pooler ({random[0]}), as models saved after masked language "
            "modelling. A classifier of its type reads through it, and a random one would stay "
            "random: give a model that has one, or one of type roberta, electra or distilbert."
        )
    if random:
        raise ModelError(
            f"The weights of '{name}' do not fit its config: {len(random)} are missing or of "
            f"another shape, the first is {random[0]}. Give a folder that save_pretrained wrote."
        )


def _check_nothing_lost(name: str, model: PreTrainedModel, report: Mapping[str, Any]) -> None:
    """Heads and poolers of other tasks may go, and do; a layer is another one without a part."""
    lost = sorted(
        filter(architecture_of(model.config.model_type).in_encoder, report["unexpected_keys"])
    )
    if lost:
        raise ModelError(
            f"'{name}' has {len(lost)} weight{'s' if len(lost) > 1 else ''} inside its encoder for "
            f"which transformers' {model.config.model_type} has no place, the first is {lost[0]}; "
            "without them it would be another model. Give one that transformers saved."
        )
