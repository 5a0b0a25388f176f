"""What a decoder's layer needs -> its plan and the tensors of its modules, as in `build`."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import torch
from torch import Tensor, nn

from finegates.shrinking.build import (
    Tensors,
    attention_tensors,
    dense_tensors,
    output_of,
    output_tensors,
    products_cost,
    projection_tensors,
    projections_of,
)
from finegates.shrinking.fold import Folded, Layer, below
from finegates.shrinking.hardware import (
    Hardware,
    output_cost,
    padded,
    plan_projection,
    projection_cost,
)
from finegates.shrinking.modules import FEED_FORWARD
from finegates.shrinking.needed_decoder import GatedFeedForward, Group, GroupedAttention
from finegates.shrinking.plan import (
    CONSTANT,
    DENSE,
    FeedForwardPlan,
    GroupedAttentionPlan,
    HeadClass,
    Output,
)

_OPERATIONS_OF_A_CLASS = 12
"""Small ones, beside its attention: rotations, views, the cache."""


def build_grouped_attention(
    needed: GroupedAttention, layer: Layer, machine: Hardware
) -> tuple[GroupedAttentionPlan | str, Tensors]:
    """The plan of an attention sublayer, and its tensors.

    Args:
        needed: What is left of it.
        layer: Its folded matrices, for where it stays dense.
        machine: What it shall run on.
    """
    if not needed.groups:
        return CONSTANT, {"o.bias": needed.bias}
    inner, hidden = layer["q"].weight.shape
    narrow = len(layer["k"].bias)
    groups = sorted(needed.groups, key=lambda group: _size(group.sizes), reverse=True)
    classes = _classes([group.sizes for group in groups], needed.width, hidden, machine)
    placed = _placed(classes, groups)
    stacked = [_stacked(placed, role) for role in "qkv"]
    columns = torch.cat([_columns(group, one) for group, one in placed], 1)
    plan = _plan(classes, stacked, columns, needed.bias, machine)
    dense = 2 * hidden * (inner + narrow) + 4 * machine.call
    more = (len(classes) - 1) * _OPERATIONS_OF_A_CLASS * machine.call
    if products_cost(plan, hidden, machine) + more >= dense:
        return DENSE, dense_tensors(layer, "qkvo")
    tensors = attention_tensors(plan, stacked, columns, needed.bias)
    return plan, tensors | _pair_tensors(classes, placed)


def build_gated_feed_forward(
    needed: GatedFeedForward, layer: Layer, machine: Hardware
) -> tuple[FeedForwardPlan | str, Tensors]:
    """The plan of a gated feed-forward sublayer, and its tensors; as above."""
    neurons, hidden = needed.gate.weight.shape
    if not neurons:
        return CONSTANT, {f"{FEED_FORWARD}.bias": needed.bias}
    width = padded(neurons, machine.row_multiple)
    both = below([part.with_rows(width) for part in (needed.gate, needed.up)])
    inner = plan_projection(2 * width, int(both.reads.sum()), hidden, machine)
    inner = replace(inner, bias=bool(both.bias.any()))
    columns = nn.functional.pad(needed.outer, (0, width - neurons))
    plan = FeedForwardPlan(inner, _output(columns, needed.bias, machine))
    cost = projection_cost(inner, hidden, machine) + output_cost(plan.outer, hidden, machine)
    if cost >= 3 * (hidden * len(layer["gate"].bias) + machine.call):
        return DENSE, dense_tensors(layer, ("gate", "up", "down"))
    return plan, {
        **projection_tensors(f"{FEED_FORWARD}.inner", inner, both),
        **output_tensors(f"{FEED_FORWARD}.outer", plan.outer, columns, needed.bias),
    }


Placed = Sequence[tuple[Group, HeadClass]]
"""Groups in the order in which they are computed, each with the class that it is padded to."""


def _plan(
    classes: tuple[HeadClass, ...],
    stacked: Sequence[Folded],
    columns: Tensor,
    bias: Tensor,
    machine: Hardware,
) -> GroupedAttentionPlan:
    projections = projections_of(stacked, machine)
    biased = [bool(matrix.bias.any()) for matrix in stacked]
    biased = [any(biased)] if len(projections) == 1 else biased
    with_biases = tuple(replace(p, bias=b) for p, b in zip(projections, biased, strict=True))
    return GroupedAttentionPlan(classes, with_biases, _output(columns, bias, machine))


def _output(columns: Tensor, bias: Tensor, machine: Hardware) -> Output:
    """The plan of an output matrix, with a bias only where something is always added."""
    plan = output_of(columns, bias, machine)
    computed = columns.ne(0).any(1) if plan.rows else slice(None)
    return replace(plan, bias=bool(bias[computed].any()))


def _size(sizes: tuple[int, int, int]) -> int:
    """Rows of q, k, v and columns of o of a group of heads, pairs and values."""
    heads, pairs, values = sizes
    return 2 * pairs * (heads + 1) + values * (heads + 1)


def _classes(
    sizes: Sequence[tuple[int, int, int]], width: int, hidden: int, machine: Hardware
) -> tuple[HeadClass, ...]:
    """Puts groups of about the same size together: fewer calls against less padding.

    Args:
        sizes: Heads, pairs and values of each group, largest first.
        width: Of a whole head, which none is padded beyond.
        hidden: Width of the residual stream.
        machine: Whose call cost and multiple count.
    """

    @cache
    def best(start: int) -> tuple[int, tuple[HeadClass, ...]]:
        if start == len(sizes):
            return 0, ()
        options = []
        for end in range(start + 1, len(sizes) + 1):
            rest, classes = best(end)
            heads, pairs, values = (max(one) for one in zip(*sizes[start:end], strict=True))
            keys = min(padded(2 * max(pairs, 1), machine.head_multiple), width)
            wide = min(padded(values, machine.head_multiple), width)
            selects = any(size[1] < width // 2 for size in sizes[start:end])
            one = HeadClass(end - start, heads, -(-keys // 2), wide, selects)
            cost = hidden * (end - start) * _size((one.heads, one.pairs, one.values))
            cost += _OPERATIONS_OF_A_CLASS * machine.call
            options.append((cost + rest, (one, *classes)))
        return min(options, key=lambda option: option[0])

    return best(0)[1]


def _placed(classes: Sequence[HeadClass], groups: Sequence[Group]) -> Placed:
    of_groups = [one for one in classes for _ in range(one.groups)]
    return list(zip(groups, of_groups, strict=True))


def _stacked(placed: Placed, role: str) -> Folded:
    """Rows of q, k or v of all groups below each other, padded to their classes with zeros."""
    parts = []
    for group, one in placed:
        if role == "q":
            parts += [_padded_pairs(q, one.pairs) for q in group.q]
            missing = (one.heads - len(group.q)) * 2 * one.pairs
            parts.append(group.k.rows(slice(0)).with_rows(missing))
        elif role == "k":
            parts.append(_padded_pairs(group.k, one.pairs))
        else:
            parts.append(group.v.with_rows(one.values))
    return below(parts)


def _columns(group: Group, one: HeadClass) -> Tensor:
    """A group's columns of o, head by head, padded with zeros; shape ``(hidden, outputs)``."""
    heads = [nn.functional.pad(o, (0, one.values - o.shape[1])) for o in group.o]
    missing = (one.heads - len(heads)) * one.values
    return nn.functional.pad(torch.cat(heads, 1), (0, missing))


def _pair_tensors(classes: Sequence[HeadClass], placed: Placed) -> Tensors:
    """Of each class which pairs its groups have, integers of shape ``(groups, pairs)``."""
    tensors, start = {}, 0
    for number, one in enumerate(classes):
        of_class = [group for group, _ in placed[start : start + one.groups]]
        start += one.groups
        if not one.selects:
            continue
        tensors[f"pairs_{number}"] = torch.stack(
            [nn.functional.pad(g.pairs, (0, one.pairs - len(g.pairs))) for g in of_class]
        )
    return tensors


def _padded_pairs(head: Folded, pairs: int) -> Folded:
    """First dimensions of all pairs, then their second, each padded to so many."""
    half = len(head.bias) // 2
    halves = (head.rows(slice(half)), head.rows(slice(half, None)))
    return below([part.with_rows(pairs) for part in halves])
