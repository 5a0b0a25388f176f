"""What of a layer is needed: the algebra that makes a shrunk model equal to the gated one.

Everything follows from zeros in the folded matrices, whatever made them:

- a query-key dimension adds ``q_d k_d`` to a score. A constant k adds the same for every key, which
  softmax cancels; a constant q adds ``c k_d``: all of a head fold into one dimension;
- a constant value passes the softmax average unchanged, and goes into the bias of o;
- a neuron with a constant input is the constant ``act(b)``, and goes into the bias of W_O;
- what no later matrix reads can go.

Widths: hidden H, a head's query-key and value widths a and b, neurons n.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from finegates.shrinking.fold import Folded, Layer, as_rows, below
from finegates.shrinking.plan import Needs


@dataclass(frozen=True)
class Head:
    """An attention head that has values left.

    Attributes:
        q: Shape ``(a, H)``; without a row the head takes the plain average.
        k: The same.
        v: Shape ``(b, H)``.
        o: Its columns of the output matrix, shape ``(H, b)``.
    """

    q: Folded
    k: Folded
    v: Folded
    o: Tensor

    @property
    def width(self) -> int:
        """Both widths, where queries, keys and values have to be equally wide."""
        return max(len(self.q.bias), len(self.v.bias))


@dataclass(frozen=True)
class Attention:
    """Heads, widest first, and what is always added, shape ``(H,)``."""

    heads: tuple[Head, ...]
    bias: Tensor


@dataclass(frozen=True)
class FeedForward:
    """Neurons: ``inner`` (n, H), ``outer`` (H, n), and what is always added (H,)."""

    inner: Folded
    outer: Tensor
    bias: Tensor


def needed_attention(layer: Layer, num_heads: int) -> Attention:
    """The heads of a layer without what adds nothing to its outputs.

    Args:
        layer: Folded q, k, v and o, as many key-value heads as query heads.
        num_heads: Heads.
    """
    q, k, v, o = (layer[role] for role in ("q", "k", "v", "o"))
    width = len(v.bias) // num_heads
    bias = o.bias + o.weight @ torch.where(v.is_constant, v.bias, 0)
    needed_values = ~v.is_constant & o.reads
    heads = []
    for number in range(num_heads):
        dims = slice(number * width, (number + 1) * width)
        values = needed_values[dims].nonzero()[:, 0] + dims.start
        if len(values):
            queries, keys = _scores(q.rows(dims), k.rows(dims))
            heads.append(Head(queries, keys, v.rows(values), o.weight[:, values]))
    return Attention(tuple(sorted(heads, key=lambda head: -head.width)), bias)


def needed_feed_forward(layer: Layer, activation: Callable[[Tensor], Tensor]) -> FeedForward:
    """The neurons of a layer that add something to its outputs which depends on its input."""
    inner, outer = layer["intermediate"], layer["output"]
    constant = torch.where(inner.is_constant, activation(inner.bias), 0)
    keep = ~inner.is_constant & outer.reads
    return FeedForward(
        inner.rows(keep), outer.weight[:, keep], outer.bias + outer.weight @ constant
    )


def needs_of(attention: Attention, feed_forward: FeedForward) -> Needs:
    """The least that these compute: of every matrix its needed rows times needed columns."""
    heads = attention.heads
    weights = sum(extent([getattr(head, role) for head in heads]) for role in "qkv" if heads)
    weights += extent([as_rows(head.o) for head in heads]) if heads else 0
    weights += extent([feed_forward.inner])
    weights += extent([as_rows(feed_forward.outer)])
    scores = sum(len(head.q.bias) + len(head.v.bias) for head in heads)
    return Needs(weights, scores)


def extent(parts: Sequence[Folded]) -> int:
    """Rows times columns that are not all zero, of one or more matrices below each other."""
    rows = sum(int((~part.is_constant).sum()) for part in parts)
    return rows * int(torch.stack([part.reads for part in parts]).any(0).sum())


def _scores(q: Folded, k: Folded) -> tuple[Folded, Folded]:
    """Rows of q and k of one head that matter to its scores."""
    both = ~q.is_constant & ~k.is_constant
    constants = torch.where(q.is_constant & ~k.is_constant, q.bias, 0)
    queries, keys = q.rows(both), k.rows(both)
    if not constants.any():
        return queries, keys
    folded = Folded((constants @ k.weight)[None], (constants @ k.bias)[None])
    one = Folded(torch.zeros_like(folded.weight), torch.ones_like(folded.bias))
    return below((queries, one)), below((keys, folded))
