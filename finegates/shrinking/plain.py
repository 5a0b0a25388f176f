"""A gated model as the stock class of its type, which every runtime knows.

A config of these types can say how many neurons every layer has, and nothing else that gates close:
a head's width is the model's over the number of heads. So each layer keeps as many neurons as the
one that needs most; what else is closed stays, as zeros. Gates of neurons alone, as many in every
layer (`gate_units` neurons, `gate_shape` uniform), lose nothing that way.
"""

import copy

import torch
from torch import nn
from transformers import PreTrainedModel

from finegates.models.architectures import architecture_of
from finegates.shrinking.fold import Folded, Layer, fold, put_layer
from finegates.shrinking.needed import needed_feed_forward
from finegates.shrinking.shrink import activation_of

_ATTENTION = ("q", "k", "v", "o")


@torch.no_grad()
def plain(model: PreTrainedModel) -> PreTrainedModel:
    """A stock model with the gated model's outputs in evaluation.

    Args:
        model: A supported classifier, with gates, adapters, both or neither; it is not changed.

    Returns:
        A model of the same class on the CPU in evaluation, in the model's precision. Its config's
        number of neurons is that of the layer that needs most, at least 1.

    Raises:
        ModelError: If the type is not supported, or an adapter can't be merged.
    """
    stock = copy.deepcopy(model).cpu().eval()
    layers = [_without_neurons(layer, stock) for layer in fold(stock)]
    width = max(1, *(len(layer["intermediate"].bias) for layer in layers))
    for number, layer in enumerate(layers):
        put_layer(stock, number, _padded(layer, width))
    names = architecture_of(stock.config.model_type).config_names
    setattr(stock.config, names["intermediate"], width)
    return stock


def neurons_of(model: PreTrainedModel) -> int:
    """How many neurons each layer of a dense model has."""
    names = architecture_of(model.config.model_type).config_names
    return int(getattr(model.config, names["intermediate"]))


def _without_neurons(layer: Layer, model: PreTrainedModel) -> Layer:
    needed = needed_feed_forward(layer, activation_of(model))
    attention = {role: layer[role] for role in _ATTENTION}
    return attention | {
        "intermediate": needed.inner, "output": Folded(needed.outer, needed.bias)
    }  # fmt: skip


def _padded(layer: Layer, width: int) -> Layer:
    """With neurons of nothing but zeros, which add nothing, up to this many."""
    inner, outer = layer["intermediate"], layer["output"]
    more = width - len(inner.bias)
    rows = nn.functional.pad(inner.weight, (0, 0, 0, more))
    return layer | {
        "intermediate": Folded(rows, nn.functional.pad(inner.bias, (0, more))),
        "output": Folded(nn.functional.pad(outer.weight, (0, more)), outer.bias),
    }
