"""A Linear with gates on its inputs and outputs, and with a low-rank update if asked.

It computes ``y = out_gate * (W (in_gate * x) + b)`` (arXiv 2412.12951 eq. 7; the bias is gated, as
in the public code). A low-rank update is inside the gates (eq. 8, Figure 1), or outside (as section
3 can be read). Base weights are never touched: gates multiply activations, or, in a training step
of many tokens, a copy of the weight, which is the same and quicker (`finegates.nn.folded_linear`).
"""

import torch
from torch import Tensor, nn

from finegates.gates.layout import SIDES, GatedMatrix
from finegates.nn.folded_linear import folded_linear, folding_pays
from finegates.nn.gates import Gates
from finegates.nn.wrapped import WrappedLinear


class LowRank(nn.Module):
    """``x -> (alpha / r) B A x``; A Gaussian, B zero at the start.

    Args:
        in_features: Width of the input.
        out_features: Width of the output.
        rank: Rank r.
        alpha: Scale times r.
    """

    def __init__(self, in_features: int, out_features: int, rank: int, alpha: float) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.randn(rank, in_features) / in_features**0.5)
        self.b = nn.Parameter(torch.zeros(out_features, rank))
        self.scale = alpha / rank

    def forward(
        self, x: Tensor, gate_in: Tensor | None = None, gate_out: Tensor | None = None
    ) -> Tensor:
        """``(..., in_features)`` -> ``(..., out_features)``; gates, if given, go into A and B."""
        a = self.a if gate_in is None else self.a * gate_in
        b = self.scale * (self.b if gate_out is None else self.b * gate_out[:, None])
        return nn.functional.linear(nn.functional.linear(x, a), b)


class GatedLinear(WrappedLinear):
    """A Linear whose inputs, outputs or both are gated.

    Attributes:
        matrix: Which matrix of the model it is.
        low_rank: The update, or None.
        inside: Whether the update is inside the gates.
    """

    def __init__(
        self,
        base_layer: nn.Linear,
        matrix: GatedMatrix,
        gates: Gates,
        low_rank: LowRank | None = None,
        inside: bool = True,
    ) -> None:
        super().__init__(base_layer)
        self.matrix, self.low_rank, self.inside = matrix, low_rank, inside
        self._in_index, self._out_index = (gates.layout.applied_place(matrix, s) for s in SIDES)
        self._gates = (gates,)  # in a tuple: the model owns the gates, this only looks at them

    def merged_weight(self) -> Tensor:
        """The base weight with the update inside the gates folded in, ``(out, in)``."""
        if self.low_rank is None or not self.inside:
            return self.weight
        return self.weight + self.low_rank.scale * self.low_rank.b @ self.low_rank.a

    def forward(self, x: Tensor) -> Tensor:
        """``(..., in_features)`` -> ``(..., out_features)``."""
        gate_in, gate_out = self._gate(self._in_index), self._gate(self._out_index)
        if self._folds(x):
            x = self._gates[0].cast(x)
            y = folded_linear(x, self.weight, self.bias, gate_in, gate_out)
            if self.low_rank is not None and self.inside:
                y = y + self.low_rank(x, gate_in, gate_out)
        else:
            gated = x if gate_in is None else x * gate_in.to(x.dtype)
            y = self.base_layer(gated)
            if self.low_rank is not None and self.inside:
                y = y + self.low_rank(gated)
            y = y if gate_out is None else y * gate_out.to(y.dtype)
        if self.low_rank is not None and not self.inside:
            y = y + self.low_rank(x)
        return y

    def _gate(self, index: int | None) -> Tensor | None:
        return None if index is None else self._gates[0].part(index)

    def _folds(self, x: Tensor) -> bool:
        """In training, where tokens are many; the weight is frozen, no closed gate learns there."""
        if not torch.is_grad_enabled() or self.weight.requires_grad:
            return False
        if self._gates[0].moves_closed:
            return False
        return folding_pays(x.numel() // x.shape[-1], self.weight)
