"""Needed weights -> a layer's plan and the tensors of its modules, padding and indices included.

Tensors are named by role and place: ``q.weight``, ``projections.0.index``, ``o.linear.bias``.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from finegates.shrinking.fold import Folded, Layer, as_rows, below
from finegates.shrinking.hardware import (
    Hardware,
    group_heads,
    output_cost,
    plan_output,
    plan_projection,
    plan_projections,
    projection_cost,
)
from finegates.shrinking.needed import Attention, FeedForward
from finegates.shrinking.plan import (
    CONSTANT,
    DENSE,
    AttentionPlan,
    FeedForwardPlan,
    GroupedAttentionPlan,
    Output,
    Projection,
)

Tensors = dict[str, Tensor]


def build_attention(
    needed: Attention, layer: Layer, machine: Hardware
) -> tuple[AttentionPlan | str, Tensors]:
    """The plan of an attention sublayer, and its tensors.

    Args:
        needed: What is left of it.
        layer: Its folded matrices, for where it stays dense.
        machine: What it shall run on.
    """
    if not needed.heads:
        return CONSTANT, {"o.bias": needed.bias}
    inner, hidden = layer["q"].weight.shape
    groups = group_heads([head.width for head in needed.heads], 4 * hidden, machine)
    stacked = [_stacked(groups, [getattr(head, role) for head in needed.heads]) for role in "qkv"]
    columns = _stacked(groups, [as_rows(head.o) for head in needed.heads]).weight.T
    output = output_of(columns, needed.bias, machine)
    plan = AttentionPlan(groups, projections_of(stacked, machine), output)
    cost = products_cost(plan, hidden, machine) + len(plan.groups) * machine.call
    if cost >= 4 * (hidden * inner + machine.call):
        return DENSE, dense_tensors(layer, ("q", "k", "v", "o"))
    return plan, attention_tensors(plan, stacked, columns, needed.bias)


def build_feed_forward(
    needed: FeedForward, layer: Layer, machine: Hardware
) -> tuple[FeedForwardPlan | str, Tensors]:
    """The plan of a feed-forward sublayer, and its tensors; as `build_attention`."""
    neurons, hidden = needed.inner.weight.shape
    if not neurons:
        return CONSTANT, {"output.bias": needed.bias}
    inner = plan_projection(neurons, int(needed.inner.reads.sum()), hidden, machine)
    columns = nn.functional.pad(needed.outer, (0, inner.rows - neurons))
    plan = FeedForwardPlan(inner, output_of(columns, needed.bias, machine))
    cost = projection_cost(inner, hidden, machine) + output_cost(plan.outer, hidden, machine)
    if cost >= 2 * (hidden * len(layer["intermediate"].bias) + machine.call):
        return DENSE, dense_tensors(layer, ("intermediate", "output"))
    return plan, {
        **projection_tensors("intermediate", inner, needed.inner),
        **output_tensors("output", plan.outer, columns, needed.bias),
    }


def projections_of(stacked: Sequence[Folded], machine: Hardware) -> tuple[Projection, ...]:
    """The plan of q, k and v that read the residual stream, each with all its heads."""
    reads = [matrix.reads for matrix in stacked]
    union = int(torch.stack(reads).any(0).sum())
    rows, counts = [len(matrix.bias) for matrix in stacked], [int(read.sum()) for read in reads]
    return plan_projections(rows, counts, union, stacked[0].weight.shape[1], machine)


def products_cost(
    plan: AttentionPlan | GroupedAttentionPlan, hidden: int, machine: Hardware
) -> int:
    """Of the matrices of an attention sublayer, without its scores."""
    projections = sum(projection_cost(p, hidden, machine) for p in plan.projections)
    return projections + output_cost(plan.output, hidden, machine)


def output_of(columns: Tensor, bias: Tensor, machine: Hardware) -> Output:
    """The plan of an output matrix, shape ``(hidden, columns)``, and of what it always adds."""
    computed = columns.ne(0).any(1)
    hidden, width = columns.shape
    return plan_output(width, int(computed.sum()), hidden, bool(bias[~computed].any()), machine)


def _stacked(groups: Sequence[tuple[int, int]], parts: Sequence[Folded]) -> Folded:
    """Heads below each other, each padded with zero rows to the width of its group."""
    widths = [width for heads, width in groups for _ in range(heads)]
    return below([part.with_rows(width) for width, part in zip(widths, parts, strict=True)])


def dense_tensors(layer: Layer, roles: Sequence[str]) -> Tensors:
    """Those of folded matrices that stay as they are."""
    return {
        f"{role}.{name}": value
        for role in roles
        for name, value in (("weight", layer[role].weight), ("bias", layer[role].bias))
    }


def attention_tensors(
    plan: AttentionPlan | GroupedAttentionPlan,
    stacked: Sequence[Folded],
    columns: Tensor,
    bias: Tensor,
) -> Tensors:
    """Those of q, k and v, in one product if the plan has one, and of o."""
    matrices = [below(stacked)] if len(plan.projections) == 1 else stacked
    tensors = output_tensors("o", plan.output, columns, bias)
    for number, (projection, matrix) in enumerate(zip(plan.projections, matrices, strict=True)):
        tensors |= projection_tensors(f"projections.{number}", projection, matrix)
    return tensors


def projection_tensors(name: str, plan: Projection, matrix: Folded) -> Tensors:
    """Those of a product that reads the residual stream; what it does not need is padding."""
    weight, tensors = matrix.weight, {}
    if plan.columns is not None:
        index = _padded_index(matrix.reads, plan.columns)
        weight = weight[:, index].clone()
        weight[:, int(matrix.reads.sum()) :] = 0
        tensors[f"{name}.index"] = index
    missing = plan.rows - len(matrix.bias)
    tensors[f"{name}.linear.weight"] = nn.functional.pad(weight, (0, 0, 0, missing))
    if plan.bias:
        tensors[f"{name}.linear.bias"] = nn.functional.pad(matrix.bias, (0, missing))
    return tensors


def output_tensors(name: str, plan: Output, weight: Tensor, bias: Tensor) -> Tensors:
    """Tensors of an output matrix, shape ``(hidden, columns)``, and what it always adds."""
    if plan.rows is None:
        own = {f"{name}.linear.bias": bias} if plan.bias else {}
        return {f"{name}.linear.weight": weight} | own
    computed = weight.ne(0).any(1)
    number = int(computed.sum())
    index = torch.full((len(bias),), number)
    index[computed] = torch.arange(number)
    missing = plan.rows - number
    tensors = {
        f"{name}.index": index,
        f"{name}.linear.weight": nn.functional.pad(weight[computed], (0, 0, 0, missing)),
    }
    if plan.bias:
        tensors[f"{name}.linear.bias"] = nn.functional.pad(bias[computed], (0, missing))
    if plan.constant:
        tensors[f"{name}.constant"] = torch.where(computed, 0, bias)
    return tensors


def _padded_index(mask: Tensor, length: int) -> Tensor:
    """Indices where the mask is true, repeated from the first up to a length."""
    index = mask.nonzero()[:, 0]
    padding = torch.zeros(length - len(index), dtype=index.dtype)
    return torch.cat([index, padding])
