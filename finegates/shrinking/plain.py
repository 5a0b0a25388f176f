"""A gated model as the stock class of its type, which every runtime knows.

A config has one number for all layers, so each layer keeps as many neurons as the one that needs
most; what else is closed stays, as zeros. An encoder's says nothing else that gates close, unless
its hidden size changes (`finegates.shrinking.plain_encoder`). A decoder's has the width of a head
apart, and can say how many heads of keys and values are left
(`finegates.shrinking.plain_decoder`). Gates of neurons (of a decoder: preset `plain`), as many in
every layer (`gate_shape` uniform), lose nothing that way.
"""

import copy

import torch
from transformers import PreTrainedModel

from finegates.errors import ModelError
from finegates.gates.cuts import Cut
from finegates.models.architectures import architecture_of
from finegates.shrinking.fold import fold
from finegates.shrinking.plain_decoder import put_plain, put_trimmed
from finegates.shrinking.plain_encoder import plain_encoder
from finegates.shrinking.shrink import activation_of, heads_of, prune


@torch.no_grad()
def plain(model: PreTrainedModel, cut: Cut | None = None) -> PreTrainedModel:
    """A stock model with the gated model's outputs in evaluation.

    Args:
        model: A supported model, with gates, adapters, both or neither; it is not changed.
        cut: Where its gates are cut off; None takes them as they are.

    Returns:
        A model of the same class on the CPU in evaluation, in the model's precision. Its config's
        number of neurons is that of the layer that needs most, at least 1; so is a decoder's of
        heads of keys and values, or the next number that its type takes.

    Raises:
        ModelError: If the type is not supported, an adapter can't be merged, or heads and what is
            left of the residual stream do not fit together in a config.
    """
    stock = copy.deepcopy(model).cpu().eval()
    prune(stock, cut)
    layers = fold(stock)
    if not architecture_of(stock.config.model_type).is_decoder:
        return plain_encoder(stock, layers)
    put_plain(stock, layers, heads_of(stock), activation_of(stock))
    return stock


@torch.no_grad()
def per_layer(model: PreTrainedModel, cut: Cut | None = None) -> PreTrainedModel:
    """A decoder with the gated model's outputs, each of its layers at its own size.

    Args:
        model: A supported decoder; it is not changed.
        cut: Where its gates are cut off; None takes them as they are.

    Returns:
        A model of the same class on the CPU in evaluation. Its config still says the dense sizes.

    Raises:
        ModelError: If it is no decoder, or as `plain`.
    """
    if not architecture_of(model.config.model_type).is_decoder:
        raise ModelError(
            f"A {model.config.model_type} model has one number of heads and neurons in all layers; "
            "only a decoder's layers can be laid out at their own sizes."
        )
    stock = copy.deepcopy(model).cpu().eval()
    prune(stock, cut)
    put_trimmed(stock, fold(stock), heads_of(stock), activation_of(stock))
    return stock
