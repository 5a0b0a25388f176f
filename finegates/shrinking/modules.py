"""Puts the modules of a plan into a model, and names their tensors as the model does."""

from collections.abc import Sequence

from torch import nn

from finegates.models.architectures import Architecture
from finegates.shrinking.layers import (
    Constant,
    GatheredLinear,
    Nothing,
    ScatteredLinear,
    ShrunkAttention,
    ShrunkProjectedAttention,
)
from finegates.shrinking.plan import DENSE, AttentionPlan, LayerPlan, Output

FEED_FORWARD = "feed_forward"
"""How tensors of a decoder's feed-forward sublayer begin, which is one module."""


def put_in_plans(
    model: nn.Module, plans: Sequence[LayerPlan], architecture: Architecture, hidden: int
) -> None:
    """Replaces the sublayers that are not dense, in place; ``hidden`` is the stream's width."""
    layers = model.get_submodule(architecture.layers).children()
    for layer, plan in zip(layers, plans, strict=True):
        _put_in_attention(layer, plan, architecture, hidden)
        _put_in_feed_forward(layer, plan, architecture, hidden)


def tensor_path(architecture: Architecture, layer: int, name: str) -> str:
    """``projections.0.index`` of a layer -> its name in the model's state."""
    first, _, rest = name.partition(".")
    if first == FEED_FORWARD:
        place = architecture.feed_forward
    else:
        place = architecture.roles.get(first, f"{architecture.attention}.{first}")
    return ".".join(filter(None, (architecture.layers, str(layer), place, rest)))


def _put_in_attention(
    layer: nn.Module, plan: LayerPlan, architecture: Architecture, hidden: int
) -> None:
    if plan.attention == DENSE:
        return
    dense = layer.get_submodule(architecture.attention)
    known = plan.attention if isinstance(plan.attention, AttentionPlan) else None
    kind = ShrunkProjectedAttention if architecture.attention_projects else ShrunkAttention
    _put(layer, architecture.attention, kind(known, dense, hidden))
    _put(layer, architecture.roles["o"], _output(known.output if known else None, hidden))


def _put_in_feed_forward(
    layer: nn.Module, plan: LayerPlan, architecture: Architecture, hidden: int
) -> None:
    if plan.feed_forward == DENSE:
        return
    known = None if isinstance(plan.feed_forward, str) else plan.feed_forward
    inner = GatheredLinear(known.inner, hidden) if known else Nothing()
    _put(layer, architecture.roles["intermediate"], inner)
    _put(layer, architecture.roles["output"], _output(known.outer if known else None, hidden))


def _output(plan: Output | None, hidden: int) -> nn.Module:
    return ScatteredLinear(plan, hidden) if plan else Constant(hidden)


def _put(layer: nn.Module, path: str, module: nn.Module) -> None:
    parent, _, name = path.rpartition(".")
    setattr(layer.get_submodule(parent), name, module)
