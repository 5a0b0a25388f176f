"""LoRA-XS (arXiv 2405.17604): a small trained matrix between frozen singular vectors.

The authors write ``x W + x A R B`` with ``A = U_r S_r``, ``B = V_r^T`` for a W of shape (in, out).
A Linear's weight is its transpose, so here too the singular values are A's, on the input's side, as
in the authors' code (github.com/MohammadrezaBanaei/LoRA-XS, commit e50b1a8).
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import linear
from transformers import PreTrainedModel

from finegates.adapters.layer import AdapterLayer, wrap_matrices
from finegates.gates.layout import GateLayout
from finegates.models.parameters import lora_xs_rank

INITIAL_STD = 1e-5
"""Of R, in the authors' code (utils/initialization_utils.py)."""
SVD_ITERATIONS = 10
SVD_OVERSAMPLING = 10
"""A randomised SVD, as the authors' (scikit-learn's TruncatedSVD, ``n_iter: 10``); the exact one
takes minutes for RoBERTa-large on a CPU."""


class LoraXS(AdapterLayer):
    """``y = W x + b + (alpha / r) B R A x`` with ``A = S_r V_r^T``, ``B = U_r`` of ``W = U S V^T``.

    Args:
        base_layer: The Linear to adapt.
        rank: Rank r; cut to the smaller side of W.
        alpha: Scale times r.

    Attributes:
        a: Frozen, shape ``(r, in_features)``.
        b: Frozen, shape ``(out_features, r)``.
        r: Trained, shape ``(r, r)``.
        scale: ``alpha / r``.
    """

    a: Tensor
    b: Tensor

    def __init__(self, base_layer: nn.Linear, rank: int, alpha: float) -> None:
        super().__init__(base_layer)
        rank = lora_xs_rank(rank, self.in_features, self.out_features)
        weight = base_layer.weight.detach().float()
        width = min(rank + SVD_OVERSAMPLING, *weight.shape)
        u, s, v = torch.svd_lowrank(weight, q=width, niter=SVD_ITERATIONS)
        # singular vectors have no sign of their own, so another machine may find others: saved
        self.register_buffer("a", (v[:, :rank] * s[:rank]).T.contiguous())
        self.register_buffer("b", u[:, :rank].clone())
        self.r = nn.Parameter(INITIAL_STD * torch.randn(rank, rank))
        self.scale = alpha / rank

    def forward(self, x: Tensor) -> Tensor:
        """``(..., in_features)`` -> ``(..., out_features)``."""
        return self.base_layer(x) + linear(linear(linear(x, self.a), self.r), self.b) * self.scale

    def weight_change(self) -> Tensor:
        """``(alpha / r) B R A``, shape ``(out_features, in_features)``."""
        return self.scale * self.b @ self.r @ self.a


def attach_lora_xs(
    model: PreTrainedModel, layout: GateLayout, rank: int, alpha: float
) -> list[nn.Parameter]:
    """Wraps the matrices of a layout and returns their R, in the layout's order."""
    layers = wrap_matrices(model, layout, lambda base: LoraXS(base, rank, alpha))
    return [layer.r for layer in layers]
