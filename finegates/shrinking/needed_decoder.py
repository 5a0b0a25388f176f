"""What of a decoder's layer is needed: the algebra of `finegates.shrinking.needed`, rotated.

Queries and keys are rotated by their positions in pairs of dimensions, i and i + d / 2 of a head of
width d, and a head of keys and values serves several of queries:

- a pair is gone where both its rows of k are zero, or both of q in every head that is served; one
  row alone leaves ``cos`` and ``sin`` of the other, so the pair keeps its width;
- a constant key does not cancel here, as it is rotated by its own position: only zeros go;
- norms of queries or keys divide by all dimensions of a head, which then keeps all of them;
- a constant value passes the softmax average unchanged, and goes into the bias of o;
- a neuron ``act(gate x) * (up x)`` is gone where up is zero, or where gate is and ``act(0) = 0``.

Widths: hidden H, a head's pairs p and values b, query heads r of a head of keys and values.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from finegates.shrinking.fold import Folded, Layer, as_rows
from finegates.shrinking.needed import extent
from finegates.shrinking.plan import Needs


@dataclass(frozen=True)
class Heads:
    """The heads of a layer.

    Attributes:
        queries: Their number.
        key_values: Of keys and values.
        normed: Whether queries and keys are normed over their head.
    """

    queries: int
    key_values: int
    normed: bool

    @property
    def served(self) -> int:
        """Query heads of each head of keys and values."""
        return self.queries // self.key_values


@dataclass(frozen=True)
class Group:
    """A head of keys and values, and the query heads with values left that it serves.

    Attributes:
        q: Of each query head, shape ``(2 p, H)``: the pairs' first dimensions, then their second.
        k: The same.
        v: Shape ``(b, H)``.
        o: Of each query head its columns of the output matrix, shape ``(H, b)``.
        pairs: Which pairs of the head are left, integers of shape ``(p,)``.
    """

    q: tuple[Folded, ...]
    k: Folded
    v: Folded
    o: tuple[Tensor, ...]
    pairs: Tensor

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Query heads, pairs and values."""
        return len(self.q), len(self.pairs), len(self.v.bias)


@dataclass(frozen=True)
class GroupedAttention:
    """Groups, what is always added, shape ``(H,)``, and the width of a head that is whole."""

    groups: tuple[Group, ...]
    bias: Tensor
    width: int


@dataclass(frozen=True)
class GatedFeedForward:
    """Neurons: ``gate`` and ``up`` (n, H), ``outer`` (H, n), and what is always added (H,)."""

    gate: Folded
    up: Folded
    outer: Tensor
    bias: Tensor


def needed_grouped_attention(layer: Layer, heads: Heads) -> GroupedAttention:
    """The groups of a layer without what adds nothing to its outputs.

    Args:
        layer: Folded q, k, v and o.
        heads: How they are divided.
    """
    v, o = layer["v"], layer["o"]
    width = len(v.bias) // heads.key_values
    constant = torch.where(v.is_constant, v.bias, 0).view(heads.key_values, 1, width)
    always = constant.expand(-1, heads.served, -1).reshape(-1)
    found = (_group(layer, heads, number, width) for number in range(heads.key_values))
    return GroupedAttention(
        tuple(group for group in found if group is not None), o.bias + o.weight @ always, width
    )


def needed_gated_feed_forward(
    layer: Layer, activation: Callable[[Tensor], Tensor]
) -> GatedFeedForward:
    """The neurons of a layer that add something to its outputs which depends on its input."""
    gate, up, down = layer["gate"], layer["up"], layer["down"]
    scale = torch.where(gate.is_constant, activation(gate.bias), 1.0)  # of up, where gate is fixed
    fixed = gate.is_constant & up.is_constant
    constant = torch.where(fixed, scale * up.bias, 0)
    keep = ~fixed & adds(layer, activation)
    return GatedFeedForward(
        gate.rows(keep), up.rows(keep), down.weight[:, keep], down.bias + down.weight @ constant
    )


def adds(layer: Layer, activation: Callable[[Tensor], Tensor]) -> Tensor:
    """Which neurons of a layer put out anything that is read, boolean, shape ``(neurons,)``."""
    gate, up = layer["gate"], layer["up"]
    silent = gate.is_constant & activation(gate.bias).eq(0)
    return layer["down"].reads & ~silent & ~up.is_zero


def needs_of_decoder(attention: GroupedAttention, feed_forward: GatedFeedForward) -> Needs:
    """The least that these compute: of every matrix its needed rows times needed columns."""
    groups = attention.groups
    queries = [q for group in groups for q in group.q]
    keys_values = [[getattr(group, role) for group in groups] for role in "kv"]
    outputs = [as_rows(o) for group in groups for o in group.o]
    weights = sum(extent(parts) for parts in (queries, *keys_values, outputs) if parts)
    weights += sum(extent([part]) for part in (feed_forward.gate, feed_forward.up))
    weights += extent([as_rows(feed_forward.outer)])
    scores = sum(heads * (2 * pairs + values) for heads, pairs, values in (g.sizes for g in groups))
    return Needs(weights, scores)


def _group(layer: Layer, heads: Heads, number: int, width: int) -> Group | None:
    """What is left of a head of keys and values; None if none of its values is read."""
    of_head = slice(number * width, (number + 1) * width)
    v, columns = layer["v"].rows(of_head), layer["o"].weight
    served = range(number * heads.served, (number + 1) * heads.served)
    read = {head: columns[:, head * width : (head + 1) * width] for head in served}
    values = ~v.is_constant & torch.stack([part.ne(0).any(0) for part in read.values()]).any(0)
    left = [head for head, part in read.items() if part[:, values].any()]
    if not left:
        return None
    queries = [layer["q"].rows(slice(head * width, (head + 1) * width)) for head in left]
    keys = layer["k"].rows(of_head)
    pairs = torch.arange(width // 2) if heads.normed else _pairs(queries, keys)
    dims = torch.cat([pairs, pairs + width // 2])
    return Group(
        tuple(q.rows(dims) for q in queries), keys.rows(dims), v.rows(values),
        tuple(read[head][:, values] for head in left), pairs,
    )  # fmt: skip


def _pairs(queries: Sequence[Folded], keys: Folded) -> Tensor:
    """Numbers of the pairs that anything is left of, in the keys and in any of the queries."""
    in_queries = torch.stack([_is_anything(q) for q in queries]).any(0)
    return (in_queries & _is_anything(keys)).nonzero()[:, 0]


def _is_anything(head: Folded) -> Tensor:
    """Whether a pair has a row that is not zero, boolean, shape ``(width / 2,)``."""
    return ~head.is_zero.view(2, -1).all(0)
