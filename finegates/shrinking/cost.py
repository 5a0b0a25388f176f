"""What a model costs: parameters, multiply-accumulates and bytes, dense, gated and shrunk."""

from dataclasses import dataclass
from typing import Any

import torch
from transformers import PreTrainedConfig, PreTrainedModel

from finegates.models.architectures import architecture_of
from finegates.nn.model_parts import answering_linear, model_of
from finegates.shrinking.models import Shrunk, dense_type, plans_of, stream_width
from finegates.shrinking.narrow import keep_dimensions
from finegates.shrinking.plan import (
    DENSE,
    AttentionPlan,
    FeedForwardPlan,
    GroupedAttentionPlan,
    Output,
    Projection,
)

REFERENCE_LENGTH = 128
"""Tokens of a row where one number has to stand for all lengths."""


@dataclass(frozen=True)
class Cost:
    """Of the layers' products; embeddings and head are not counted.

    Attributes:
        products_per_token: Multiply-accumulates of the matrices for a token.
        score_products: Multiply-accumulates of attention for a token and a key.
    """

    products_per_token: int
    score_products: int

    def macs(self, length: int) -> int:
        """Multiply-accumulates for one sequence of this many tokens."""
        return length * (self.products_per_token + length * self.score_products)


def num_parameters(model: PreTrainedModel) -> int:
    """Numbers in a model's parameters; indices of a shrunk model are not parameters."""
    return sum(parameter.numel() for parameter in model.parameters())


def num_dense_parameters(config: PreTrainedConfig, *, language_model: bool = False) -> int:
    """The same of the dense model of this config, without gates and adapters; makes no weights.

    Args:
        config: Of a supported type.
        language_model: Whether it has the head of a causal language model, not a classifier's.
    """
    return num_parameters(_made(config, language_model))


def num_stream_parameters(config: PreTrainedConfig) -> int:
    """Those of a dense classifier that go with its residual stream's dimensions; makes no weights.

    Of embeddings, norms, the layers' matrices and the head, but for `num_head_parameters`. None of
    a decoder's do: its stream keeps its width.
    """
    if architecture_of(config.model_type).is_decoder:
        return 0
    model = _made(config)
    whole, square, width = num_parameters(model), _in_head(model), _Sizes.of(config).hidden
    keep_dimensions(model, slice(1), architecture_of(config.model_type))
    with_them = whole - num_parameters(model)
    if square:
        with_them -= square - 1
    return with_them * width // (width - 1)


def num_head_parameters(config: PreTrainedConfig) -> int:
    """Those of a head's matrix from the residual stream to as many units; 0 without such a one."""
    return _in_head(_made(config))


def dense_cost(config: PreTrainedConfig) -> Cost:
    """What a dense model of this config computes, or the model that a shrunk one was."""
    sizes = _Sizes.of(config)
    per_layer = sizes.attention + sizes.feed_forward
    return Cost(sizes.layers * per_layer, sizes.layers * 2 * sizes.queries)


def needed_cost(model: Shrunk) -> Cost:
    """The least that the gates leave to compute: what a speed-up is measured against."""
    needs = model.config.shrunk_needs
    return Cost(sum(n["weights"] for n in needs), sum(n["score_products"] for n in needs))


def mac_ratio(model: Shrunk, length: int) -> float:
    """Multiply-accumulates dense over needed: the ceiling of a speed-up at this many tokens."""
    return dense_cost(model.config).macs(length) / max(needed_cost(model).macs(length), 1)


def computed_cost(model: Shrunk) -> Cost:
    """What a shrunk model computes, padding included."""
    sizes = _Sizes.of(model.config, stream_width(model.config))
    products = scores = 0
    for plan in plans_of(model.config):
        products += _attention(plan.attention, sizes) + _feed_forward(plan.feed_forward, sizes)
        if isinstance(plan.attention, AttentionPlan):
            scores += 2 * plan.attention.width
        elif isinstance(plan.attention, GroupedAttentionPlan):
            scores += sum(
                c.groups * c.heads * (2 * c.pairs + c.values) for c in plan.attention.classes
            )
        elif plan.attention == DENSE:
            scores += 2 * sizes.queries
    return Cost(products, scores)


@dataclass(frozen=True)
class _Sizes:
    """Of a model's heads, neurons and layers, and of its residual stream.

    Attributes:
        hidden: Width of the dense model's stream.
        queries: Of all its queries together.
        keys: Of all its keys together; its values are as wide.
        intermediate: Neurons of a layer.
        matrices: Of a feed-forward sublayer.
        layers: Layers.
        stream: Width of this model's stream.
    """

    hidden: int
    queries: int
    keys: int
    intermediate: int
    matrices: int
    layers: int
    stream: int

    @property
    def attention(self) -> int:
        return 2 * (self.queries + self.keys) * self.stream

    @property
    def feed_forward(self) -> int:
        return self.matrices * self.stream * self.intermediate

    @classmethod
    def of(cls, config: PreTrainedConfig, stream: int | None = None) -> "_Sizes":
        content, architecture = config.to_dict(), architecture_of(dense_type(config.model_type))
        names = ("hidden", "heads", "key_value_heads", "head_width", "intermediate", "layers")
        hidden, heads, served, width, intermediate, layers = (
            architecture.size(content, name) for name in names
        )
        matrices = len(architecture.roles) - len("qkvo")
        queries, keys = heads * width, served * width
        return cls(hidden, queries, keys, intermediate, matrices, layers, stream or hidden)


def _made(config: PreTrainedConfig, language_model: bool = False) -> PreTrainedModel:
    """The model of a config, without weights."""
    with torch.device("meta"):
        return model_of(config, language_model=language_model)


def _in_head(model: PreTrainedModel) -> int:
    """As `num_head_parameters`, of a classifier."""
    reader = architecture_of(model.config.model_type).reader
    path, _ = answering_linear(model)
    read_by: Any = model.get_submodule(reader)
    return 0 if path == reader else read_by.weight.numel()


def _attention(plan: AttentionPlan | GroupedAttentionPlan | str, sizes: _Sizes) -> int:
    if isinstance(plan, str):
        return sizes.attention if plan == DENSE else 0
    return sum(_projection(p, sizes) for p in plan.projections) + _output(plan.output, sizes)


def _feed_forward(plan: FeedForwardPlan | str, sizes: _Sizes) -> int:
    if isinstance(plan, str):
        return sizes.feed_forward if plan == DENSE else 0
    return _projection(plan.inner, sizes) + _output(plan.outer, sizes)


def _projection(plan: Projection, sizes: _Sizes) -> int:
    return (plan.columns or sizes.stream) * plan.rows


def _output(plan: Output, sizes: _Sizes) -> int:
    return plan.columns * (plan.rows or sizes.stream)
