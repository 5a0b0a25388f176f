"""PoLAR (arXiv 2506.03133): a low-rank update between two orthonormal factors, held so in training.

As in the authors' code, github.com/kcc-lion/polar, commit 7c9eeab: the factors are not projected;
before each step their gradients become a landing field, which leads back to orthonormal ones. AdamW
mixes the fields of several steps, so they stay near orthonormal, not exactly so. In the first step,
while S is 0, they have no gradient but rounding, which AdamW makes a step of full length.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import linear
from transformers import PreTrainedModel

from finegates.adapters.hooks import Hooks, Moment
from finegates.adapters.layer import AdapterLayer, wrap_matrices
from finegates.gates.layout import GateLayout
from finegates.models.dense_parameters import check_polar_rank


class Polar(AdapterLayer):
    """``y = W x + b + (alpha / r) B S A x``; the rows of A and the columns of B are orthonormal.

    Args:
        base_layer: The Linear to adapt.
        rank: Rank r, smaller than both sides.
        alpha: Scale times r.

    Attributes:
        a: Shape ``(r, in_features)``, orthonormal at the start.
        s: Shape ``(r, r)``, 0 at the start.
        b: Shape ``(out_features, r)``, orthonormal at the start.
        scale: ``alpha / r``.

    Raises:
        ModelError: If the rank is not smaller than both sides.
    """

    def __init__(self, base_layer: nn.Linear, rank: int, alpha: float) -> None:
        super().__init__(base_layer)
        check_polar_rank(rank, self.in_features, self.out_features)
        self.a = nn.Parameter(nn.init.orthogonal_(torch.empty(rank, self.in_features)))
        self.s = nn.Parameter(torch.zeros(rank, rank))
        self.b = nn.Parameter(nn.init.orthogonal_(torch.empty(self.out_features, rank)))
        self.scale = alpha / rank

    def forward(self, x: Tensor) -> Tensor:
        """``(..., in_features)`` -> ``(..., out_features)``."""
        return self.base_layer(x) + linear(linear(linear(x, self.a), self.s), self.b) * self.scale

    def weight_change(self) -> Tensor:
        """``(alpha / r) B S A``, shape ``(out_features, in_features)``."""
        return self.scale * self.b @ self.s @ self.a


def landing_field(point: Tensor, gradient: Tensor, penalty: float) -> Tensor:
    """``(G P^T - P G^T) P + lambda P (P^T P - I)``, by products of r x r alone.

    Args:
        point: P, shape ``(width, r)``.
        gradient: G, of the loss with respect to P, of the same shape.
        penalty: lambda.

    Returns:
        Shape ``(width, r)``.
    """
    gram = point.T @ point
    off = gram - torch.eye(len(gram), device=gram.device)
    return gradient @ gram - point @ (gradient.T @ point) + penalty * point @ off


class Landing(Hooks):
    """Makes the gradients of A and B landing fields, after they are clipped.

    Args:
        model: With `Polar` layers.
        penalty: How strongly they are drawn back to orthonormal factors (lambda).
    """

    def __init__(self, model: PreTrainedModel, penalty: float) -> None:
        super().__init__(model)
        self.penalty = penalty
        self.layers = [m for m in model.modules() if isinstance(m, Polar)]

    @torch.no_grad()
    def after_backward(self, moment: Moment) -> None:
        """S keeps its gradient."""
        for layer in self.layers:
            assert layer.a.grad is not None and layer.b.grad is not None
            layer.b.grad.copy_(landing_field(layer.b, layer.b.grad, self.penalty))
            layer.a.grad.copy_(landing_field(layer.a.T, layer.a.grad.T, self.penalty).T)


def attach_polar(
    model: PreTrainedModel, layout: GateLayout, rank: int, alpha: float
) -> list[nn.Parameter]:
    """Wraps the matrices of a layout and returns A, S and B of each, in the layout's order.

    Raises:
        ModelError: If the rank is not smaller than every side.
    """
    layers = wrap_matrices(model, layout, lambda base: Polar(base, rank, alpha))
    return [p for layer in layers for p in (layer.a, layer.s, layer.b)]
