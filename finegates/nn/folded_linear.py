"""A Linear whose gates are folded into its weight for one training step, with every gradient.

Gates on activations cost several passes over every token's numbers, forward and backward; gates on
the weight cost one pass over the weight. The gradient of a gate comes from what is there anyway: a
gate z on input x gives ``dz = sum(x * dx) / z``, one on output y gives ``dz = sum(dy * y) / z``.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear

_SMALLEST = 1e-12
"""A gate of 0 has sums of 0; its gradient is given as 0, which a clipped gate's is."""

Gate = Tensor | None


def folding_pays(num_tokens: int, weight: Tensor) -> bool:
    """Whether a weight has fewer numbers than its inputs and outputs together."""
    rows, columns = weight.shape
    return num_tokens * (rows + columns) > rows * columns


def folded_linear(x: Tensor, weight: Tensor, bias: Gate, gate_in: Gate, gate_out: Gate) -> Tensor:
    """``gate_out * (weight (gate_in * x) + bias)``; the weight gets no gradient.

    Args:
        x: Shape ``(..., in)``, in the precision that the product shall have.
        weight: Frozen, shape ``(out, in)``.
        bias: Shape ``(out,)``, or None.
        gate_in: Shape ``(in,)``, or None for no gates on the inputs.
        gate_out: Shape ``(out,)``, or None.

    Returns:
        Shape ``(..., out)``, in the precision of the product.
    """
    return _FoldedLinear.apply(x, weight, bias, gate_in, gate_out)


class _FoldedLinear(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Gate, gate_in: Gate, gate_out: Gate
    ) -> Tensor:
        folded = _folded(weight, gate_in, gate_out).to(x.dtype)
        if bias is not None and gate_out is not None:
            bias = bias * gate_out.to(bias.dtype)
        y = linear(x, folded, None if bias is None else bias.to(x.dtype))
        needs = ctx.needs_input_grad
        ctx.save_for_backward(
            x if needs[3] else None, y if needs[4] else None, folded, gate_in, gate_out
        )
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Gate, None, Gate, Gate, Gate]:
        x, y, folded, gate_in, gate_out = ctx.saved_tensors
        needs = ctx.needs_input_grad
        dx = d_bias = d_in = d_out = None
        shape, dy = dy.shape, _rows(dy)  # of more dimensions matmul may make a product a sequence
        if needs[0] or needs[3]:
            dx = dy @ folded
            d_in = _over(_sum_of_products(_rows(x), dx)[0], gate_in) if needs[3] else None
            dx = dx.view(*shape[:-1], -1)
        if needs[4]:
            products, d_bias = _sum_of_products(_rows(y), dy)
            d_out = _over(products, gate_out)
        elif needs[2]:
            d_bias = dy.sum(0, dtype=_wide(dy))
        if d_bias is not None and gate_out is not None:
            d_bias = d_bias * gate_out
        return dx if needs[0] else None, None, d_bias if needs[2] else None, d_in, d_out


def _folded(weight: Tensor, gate_in: Gate, gate_out: Gate) -> Tensor:
    """In place after the first product: a new tensor of this size costs as much as a product."""
    factors = [] if gate_in is None else [gate_in]
    factors += [] if gate_out is None else [gate_out[:, None]]
    for number, factor in enumerate(factors):
        factor = factor.to(weight.dtype)
        weight = weight.mul_(factor) if number else weight * factor
    return weight


def _over(sums: Tensor, gate: Tensor) -> Tensor:
    return sums.to(gate.dtype) / gate.clamp(min=_SMALLEST)


def _rows(x: Tensor) -> Tensor:
    return x.reshape(-1, x.shape[-1])


def _wide(x: Tensor) -> torch.dtype:
    return x.dtype if x.dtype == torch.float64 else torch.float32


def _sum_of_products(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """``(a * b).sum(0)`` and ``b.sum(0)`` over all rows, added up in float32 or better.

    On a CPU in one pass that stores nothing: it is what batch norm needs for the gradients of its
    weight and bias.
    """
    wide = _wide(a)
    if a.device.type != "cpu":
        return (a * b).sum(0, dtype=wide), b.sum(0, dtype=wide)
    zeros, ones = a.new_zeros(a.shape[1], dtype=wide), a.new_ones(a.shape[1], dtype=wide)
    images = (t.t()[None, :, :, None] for t in (b, a))  # tokens are pixels, features channels
    _, products, sums = torch.ops.aten.native_batch_norm_backward.default(
        *images, ones, None, None, zeros, ones, True, 0.0, [False, True, True]
    )
    return products, sums
