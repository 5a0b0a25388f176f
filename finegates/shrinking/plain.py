"""A gated model as the stock class of its type, which every runtime knows.

A config can say how many neurons every layer has. An encoder's can say nothing else that gates
close: a head's width is the model's over the number of heads. A decoder's has that width apart, and
can say how many heads of keys and values are left, too (`finegates.shrinking.plain_decoder`). So
each layer keeps as many as the one that needs most; what else is closed stays, as zeros. Gates of
neurons (of a decoder: preset `plain`), as many in every layer (`gate_shape` uniform), lose nothing
that way. Closed dimensions of the residual stream can't stay: a stock class's norms would count
them.
"""

import copy

import torch
from torch import nn
from transformers import PreTrainedModel

from finegates.errors import ModelError
from finegates.gates.cuts import Cut
from finegates.models.architectures import architecture_of
from finegates.nn.attach import GATES_NAME, gates_of
from finegates.shrinking.fold import Folded, Layer, fold, put_layer
from finegates.shrinking.needed import needed_feed_forward
from finegates.shrinking.plain_decoder import put_plain, put_trimmed
from finegates.shrinking.shrink import activation_of, closed_by, heads_of

_ATTENTION = ("q", "k", "v", "o")


@torch.no_grad()
def plain(model: PreTrainedModel) -> PreTrainedModel:
    """A stock model with the gated model's outputs in evaluation.

    Args:
        model: A supported model, with gates, adapters, both or neither; it is not changed.

    Returns:
        A model of the same class on the CPU in evaluation, in the model's precision. Its config's
        number of neurons is that of the layer that needs most, at least 1; so is a decoder's of
        heads of keys and values, or the next number that its type takes.

    Raises:
        ModelError: If the type is not supported, an adapter can't be merged, or `check_plain` finds
            closed dimensions.
    """
    check_plain(model)
    stock = copy.deepcopy(model).cpu().eval()
    architecture, layers = architecture_of(stock.config.model_type), fold(stock)
    if architecture.is_decoder:
        put_plain(stock, layers, heads_of(stock), activation_of(stock))
        return stock
    layers = [_without_neurons(layer, stock) for layer in layers]
    width = max(1, *(len(layer["intermediate"].bias) for layer in layers))
    for number, layer in enumerate(layers):
        put_layer(stock, number, _padded(layer, width))
    setattr(stock.config, architecture.config_names["intermediate"], width)
    return stock


@torch.no_grad()
def per_layer(model: PreTrainedModel) -> PreTrainedModel:
    """A decoder with the gated model's outputs, each of its layers at its own size.

    Args:
        model: A supported decoder; it is not changed.

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
    put_trimmed(stock, fold(stock), heads_of(stock), activation_of(stock))
    return stock


def check_plain(model: PreTrainedModel, cut: Cut | None = None) -> None:
    """Checks that what a cut leaves of a gated model can be told in the config of its type.

    Args:
        model: With or without gates.
        cut: Where its gates are cut off; None takes them as they are.

    Raises:
        ModelError: If dimensions of the residual stream are closed.
    """
    if not hasattr(model, GATES_NAME):
        return
    gates = gates_of(model)
    if closed := gates.closed_hidden(closed_by(gates, cut)):
        raise ModelError(
            f"Of the residual stream's dimensions {closed:,} are closed (gate unit 'hidden'), and "
            f"no config of type '{model.config.model_type}' can say so: it has one hidden size, of "
            "which a head's width is a part. A plain model can be had of gates of neurons, or of "
            "heads and neurons, as many in every layer: --gate-units neurons, or heads,neurons, "
            "with --gate-shape uniform."
        )


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
