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

from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel

from finegates.nn.model_parts import encoder_layers
from finegates.shrinking.fold import Folded, Layer, put_layer
from finegates.shrinking.needed_decoder import Heads


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
    gate, up, down = layer["gate"], layer["up"], layer["down"]
    silent = gate.is_constant & activation(gate.bias).eq(0)
    neurons = down.reads & ~silent & ~up.is_zero
    groups = _groups_left(layer, heads)
    width = _width(layer, heads)
    wide, narrow = groups.repeat_interleave(heads.served * width), groups.repeat_interleave(width)
    return {
        "q": layer["q"].rows(wide),
        "k": layer["k"].rows(narrow),
        "v": layer["v"].rows(narrow),
        "o": _columns(layer["o"], wide),
        "gate": gate.rows(neurons),
        "up": up.rows(neurons),
        "down": _columns(down, neurons),
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
    neurons = max(1, *(len(layer["gate"].bias) for layer in layers))
    groups = max(1, *(len(layer["k"].bias) // width for layer in layers))
    sizes = Sizes(neurons, groups, heads.served, width)
    while groups < heads.key_values and not _fits(stock.config, sizes):
        groups += 1
        sizes = replace(sizes, groups=groups)
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
        neurons, groups = len(left["gate"].bias), len(left["k"].bias) // width
        put_layer(
            stock,
            number,
            _padded(left, Sizes(max(1, neurons), max(1, groups), heads.served, width)),
        )


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


def _width(layer: Layer, heads: Heads) -> int:
    """Of a head of a layer that is whole."""
    return len(layer["v"].bias) // heads.key_values


def _groups_left(layer: Layer, heads: Heads) -> Tensor:
    """Which groups put out anything that is read, boolean, shape ``(heads.key_values,)``."""
    v, o = layer["v"], layer["o"]
    shape = heads.key_values, heads.served, -1
    values = ~v.is_zero.view(heads.key_values, 1, -1)
    return (values & o.reads.view(shape)).flatten(1).any(1)


def _columns(matrix: Folded, keep: Tensor) -> Folded:
    return Folded(matrix.weight[:, keep], matrix.bias)


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
        "q": _more_rows(layer["q"], wide),
        "k": _more_rows(layer["k"], narrow),
        "v": _more_rows(layer["v"], narrow),
        "o": _more_columns(layer["o"], wide),
        "gate": _more_rows(layer["gate"], sizes.neurons),
        "up": _more_rows(layer["up"], sizes.neurons),
        "down": _more_columns(layer["down"], sizes.neurons),
    }


def _more_rows(matrix: Folded, number: int) -> Folded:
    more = number - len(matrix.bias)
    rows = nn.functional.pad(matrix.weight, (0, 0, 0, more))
    return Folded(rows, nn.functional.pad(matrix.bias, (0, more)))


def _more_columns(matrix: Folded, number: int) -> Folded:
    more = number - matrix.weight.shape[1]
    return Folded(nn.functional.pad(matrix.weight, (0, more)), matrix.bias)
