"""A gated decoder's layers as a stock class can have them: neurons and whole groups of heads.

A group is a head of keys and values with the query heads that it serves: their number is one for
all groups. A head's width stays, as the angles of its pairs follow from it. Only what is zeros
whole goes, so that no bias is ever needed that the stock class has not; closed values, pairs,
reads and writes stay as zeros, and so does a group or neuron that is constant, not zero.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor
from transformers import PreTrainedConfig, PreTrainedModel

from finegates.nn.model_parts import encoder_layers
from finegates.shrinking.fold import Layer, put_layer
from finegates.shrinking.needed_decoder import Heads, adds


@dataclass(frozen=True)
class Sizes:
    """What a layer has, or every layer of a stock class.

    Attributes:
        neurons: Of the feed-forward.
        groups: Heads of keys and values, each with all the query heads that it serves.
        served: Those.
        width: Of a head.
    """

    neurons: int
    groups: int
    served: int
    width: int

    def put_into(self, config: PreTrainedConfig) -> None:
        """Has a config say them; the width of a head outright, as it no longer follows."""
        config.intermediate_size = self.neurons
        config.num_attention_heads = self.groups * self.served
        config.num_key_value_heads = self.groups
        config.head_dim = self.width


def trimmed(layer: Layer, heads: Heads, activation: Callable[[Tensor], Tensor]) -> Layer:
    """A layer without the groups of heads and the neurons that add nothing to its outputs.

    Args:
        layer: Its seven folded matrices.
        heads: How queries, keys and values are divided.
        activation: What a neuron computes of its gate.
    """
    neurons, groups = adds(layer, activation), _groups_left(layer, heads)
    width = _width(layer, heads)
    wide, narrow = groups.repeat_interleave(heads.served * width), groups.repeat_interleave(width)
    return {
        "q": layer["q"].rows(wide),
        "k": layer["k"].rows(narrow),
        "v": layer["v"].rows(narrow),
        "o": layer["o"].columns(wide),
        "gate": layer["gate"].rows(neurons),
        "up": layer["up"].rows(neurons),
        "down": layer["down"].columns(neurons),
    }


def put_plain(
    stock: PreTrainedModel,
    layers: Sequence[Layer],
    heads: Heads,
    activation: Callable[[Tensor], Tensor],
) -> None:
    """Trims a model's layers and pads them with zeros to what the widest of them needs.

    Args:
        stock: Plain; changed in place, its config included.
        layers: Folded, of all its layers.
        heads: As of `trimmed`.
        activation: The same.
    """
    width = _width(layers[0], heads)
    layers = [trimmed(layer, heads, activation) for layer in layers]
    sizes = _sizes(layers, heads, width)
    while sizes.groups < heads.key_values and not _fits(stock.config, sizes):
        sizes = replace(sizes, groups=sizes.groups + 1)
    sizes.put_into(stock.config)
    for number, layer in enumerate(layers):
        put_layer(stock, number, _padded(layer, sizes))


def put_trimmed(
    stock: PreTrainedModel,
    layers: Sequence[Layer],
    heads: Heads,
    activation: Callable[[Tensor], Tensor],
) -> None:
    """As `put_plain`, each layer at its own size, at least one neuron and group; no config says it.

    transformers' layers compute with what is there. Files of such a model are another format's
    (`finegates.shrinking.gguf`), or need a class that makes its layers so.
    """
    width = _width(layers[0], heads)
    for number, layer in enumerate(layers):
        left = trimmed(layer, heads, activation)
        put_layer(stock, number, _padded(left, _sizes([left], heads, width)))


def sizes_of_layers(model: PreTrainedModel) -> list[Sizes]:
    """What each layer of a stock decoder has."""
    found = []
    for layer in encoder_layers(model):
        attention: Any = layer.get_submodule("self_attn")
        gate: Any = layer.get_submodule("mlp.gate_proj")
        width = attention.head_dim
        groups = attention.k_proj.out_features // width
        served = attention.q_proj.out_features // width // groups
        found.append(Sizes(gate.out_features, groups, served, width))
    return found


def _sizes(trimmed_layers: Sequence[Layer], heads: Heads, width: int) -> Sizes:
    """Of the widest of some layers that are trimmed, at least one neuron and group."""
    neurons = max(len(layer["gate"].bias) for layer in trimmed_layers)
    groups = max(len(layer["k"].bias) // width for layer in trimmed_layers)
    return Sizes(max(1, neurons), max(1, groups), heads.served, width)


def _width(layer: Layer, heads: Heads) -> int:
    """Of a head of a layer that is whole."""
    return len(layer["v"].bias) // heads.key_values


def _groups_left(layer: Layer, heads: Heads) -> Tensor:
    """Which groups put out anything that is read, boolean, shape ``(heads.key_values,)``."""
    v, o = layer["v"], layer["o"]
    shape = heads.key_values, heads.served, -1
    values = ~v.is_zero.view(heads.key_values, 1, -1)
    return (values & o.reads.view(shape)).flatten(1).any(1)


def _fits(config: PreTrainedConfig, sizes: Sizes) -> bool:
    """Whether a type takes these: heads of Llama and Gemma 3 have to divide the hidden size."""
    changed = copy.deepcopy(config)
    sizes.put_into(changed)
    try:
        changed.validate_architecture()
    except ValueError:
        return False
    return True


def _padded(layer: Layer, sizes: Sizes) -> Layer:
    """With groups and neurons of nothing but zeros, which add nothing, up to so many."""
    narrow = sizes.groups * sizes.width
    wide = narrow * sizes.served
    return {
        "q": layer["q"].with_rows(wide),
        "k": layer["k"].with_rows(narrow),
        "v": layer["v"].with_rows(narrow),
        "o": layer["o"].with_columns(wide),
        "gate": layer["gate"].with_rows(sizes.neurons),
        "up": layer["up"].with_rows(sizes.neurons),
        "down": layer["down"].with_columns(sizes.neurons),
    }
