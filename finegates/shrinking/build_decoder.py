"""What a decoder's layer needs -> its plan and the tensors of its modules, as in `build`."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import accumulate

import torch
from torch import Tensor, nn

from finegates.shrinking.build import (
    Tensors,
    dense_tensors,
    output_of,
    output_tensors,
    projection_tensors,
)
from finegates.shrinking.fold import Folded, Layer
from finegates.shrinking.hardware import (
    Hardware,
    output_cost,
    padded,
    plan_projection,
    plan_projections,
    projection_cost,
)
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
    classes = _with_selections(classes, groups, needed.width)
    placed = _placed(classes, groups)
    stacked = [_stacked(placed, role) for role in "qkv"]
    columns = torch.cat([_columns(group, one) for group, one in placed], 1)
    plan = _plan(classes, stacked, columns, needed.bias, machine)
    dense = 2 * hidden * (inner + narrow) + 4 * machine.call
    if _cost(plan, hidden, machine) >= dense:
        return DENSE, dense_tensors(layer, "qkvo")
    if len(plan.projections) == 1:
        stacked = [_below(stacked)]
    tensors = output_tensors("o", plan.output, columns, needed.bias)
    for number, (projection, matrix) in enumerate(zip(plan.projections, stacked, strict=True)):
        tensors |= projection_tensors(f"projections.{number}", projection, matrix)
    return plan, tensors | _pair_tensors(classes, placed)


def build_gated_feed_forward(
    needed: GatedFeedForward, layer: Layer, machine: Hardware
) -> tuple[FeedForwardPlan | str, Tensors]:
    """The plan of a gated feed-forward sublayer, and its tensors; as above."""
    neurons, hidden = needed.gate.weight.shape
    if not neurons:
        return CONSTANT, {"feed_forward.bias": needed.bias}
    width = padded(neurons, machine.row_multiple)
    both = _below([_padded(part, width) for part in (needed.gate, needed.up)])
    inner = plan_projection(2 * width, int(both.reads.sum()), hidden, machine)
    inner = replace(inner, bias=bool(both.bias.any()))
    columns = nn.functional.pad(needed.outer, (0, width - neurons))
    plan = FeedForwardPlan(inner, _output(columns, needed.bias, machine))
    cost = projection_cost(inner, hidden, machine) + output_cost(plan.outer, hidden, machine)
    if cost >= 3 * (hidden * len(layer["gate"].bias) + machine.call):
        return DENSE, dense_tensors(layer, ("gate", "up", "down"))
    return plan, {
        **projection_tensors("feed_forward.inner", inner, both),
        **output_tensors("feed_forward.outer", plan.outer, columns, needed.bias),
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
    reads = [matrix.reads for matrix in stacked]
    rows, hidden = [len(matrix.bias) for matrix in stacked], stacked[0].weight.shape[1]
    union = int(torch.stack(reads).any(0).sum())
    counts = [int(read.sum()) for read in reads]
    projections = plan_projections(rows, counts, union, hidden, machine)
    biased = [bool(matrix.bias.any()) for matrix in stacked]
    biased = [any(biased)] if len(projections) == 1 else biased
    with_biases = tuple(replace(p, bias=b) for p, b in zip(projections, biased, strict=True))
    return GroupedAttentionPlan(classes, with_biases, _output(columns, bias, machine))


def _output(columns: Tensor, bias: Tensor, machine: Hardware) -> Output:
    """The plan of an output matrix, with a bias only where something is always added."""
    plan = output_of(columns, bias, machine)
    computed = columns.ne(0).any(1) if plan.rows else slice(None)
    return replace(plan, bias=bool(bias[computed].any()))


def _cost(plan: GroupedAttentionPlan, hidden: int, machine: Hardware) -> int:
    projections = sum(projection_cost(p, hidden, machine) for p in plan.projections)
    more = (len(plan.classes) - 1) * _OPERATIONS_OF_A_CLASS * machine.call
    return projections + output_cost(plan.output, hidden, machine) + more


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
            one = HeadClass(end - start, heads, -(-keys // 2), wide, False)
            cost = hidden * (end - start) * _size((one.heads, one.pairs, one.values))
            cost += _OPERATIONS_OF_A_CLASS * machine.call
            options.append((cost + rest, (one, *classes)))
        return min(options, key=lambda option: option[0])

    return best(0)[1]


def _with_selections(
    classes: Sequence[HeadClass], groups: Sequence[Group], width: int
) -> tuple[HeadClass, ...]:
    whole = [len(group.pairs) == width // 2 for group, _ in _placed(classes, groups)]
    starts = accumulate((one.groups for one in classes), initial=0)
    return tuple(
        replace(one, selects=not all(whole[start : start + one.groups]))
        for one, start in zip(classes, starts, strict=False)
    )


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
            parts.append(_padded(group.k.rows(slice(0)), missing))
        elif role == "k":
            parts.append(_padded_pairs(group.k, one.pairs))
        else:
            parts.append(_padded(group.v, one.values))
    return _below(parts)


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
    return _below([_padded(part, pairs) for part in halves])


def _padded(matrix: Folded, rows: int) -> Folded:
    missing = rows - len(matrix.bias)
    return Folded(
        nn.functional.pad(matrix.weight, (0, 0, 0, missing)),
        nn.functional.pad(matrix.bias, (0, missing)),
    )


def _below(parts: Sequence[Folded]) -> Folded:
    return Folded(torch.cat([p.weight for p in parts]), torch.cat([p.bias for p in parts]))
