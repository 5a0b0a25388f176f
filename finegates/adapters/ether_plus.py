"""ETHER+ (arXiv 2405.20271): a matrix between two transformations that are close to the identity.

On both sides, as by default in the authors' code (github.com/mwbini/ether, commit ddc1038). With
one block a side, where that code and the paper's block-diagonal product are the same; that there is
one is our choice.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import linear
from transformers import PreTrainedModel

from finegates.adapters.layer import AdapterLayer, wrap_matrices
from finegates.gates.layout import GateLayout


def transformed(x: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """``H x`` with ``H = I - u u^T / (u^T u) + v v^T / (v^T v)``, which is never built.

    The two terms are rounded alike and meet before x is added: for v = -u the result is x, exactly.

    Args:
        x: Shape ``(..., width)``; its last dimension is transformed.
        u: Shape ``(width,)``: this direction is taken out.
        v: Shape ``(width,)``: this direction is put in.
    """
    taken = (x @ u).unsqueeze(-1) * (u / u.square().sum())
    put = (x @ v).unsqueeze(-1) * (v / v.square().sum())
    return x + (put - taken).to(x.dtype)


class EtherPlus(AdapterLayer):
    """``y = H_out (W (H_in x)) + b``; H is the identity at the start.

    Args:
        base_layer: The Linear to adapt.

    Attributes:
        u_in: Shape ``(in_features,)``, uniform in +-1/sqrt(in_features) at the start.
        v_in: Shape ``(in_features,)``, -u_in at the start.
        u_out: Shape ``(out_features,)``; as u_in, of the outputs.
        v_out: Shape ``(out_features,)``.
    """

    def __init__(self, base_layer: nn.Linear) -> None:
        super().__init__(base_layer)
        self.u_in, self.v_in = _opposite(self.in_features)
        self.u_out, self.v_out = _opposite(self.out_features)

    @property
    def vectors(self) -> tuple[nn.Parameter, ...]:
        """All that is trained."""
        return self.u_in, self.v_in, self.u_out, self.v_out

    def forward(self, x: Tensor) -> Tensor:
        """``(..., in_features)`` -> ``(..., out_features)``; the bias is not transformed."""
        inner = linear(transformed(x, self.u_in, self.v_in), self.weight)
        y = transformed(inner, self.u_out, self.v_out)
        return y if self.bias is None else y + self.bias.to(y.dtype)

    def weight_change(self) -> Tensor:
        """``H_out W H_in - W``, shape ``(out_features, in_features)``."""
        weight = self.weight.float()
        inner = transformed(weight, self.u_in, self.v_in)
        return transformed(inner.T, self.u_out, self.v_out).T - weight


def _opposite(width: int) -> tuple[nn.Parameter, nn.Parameter]:
    """u at random and v = -u, each of a shape ``(width,)``."""
    bound = width**-0.5  # kaiming-uniform of one row; as in `finegates.adapters.ether`
    u = torch.empty(width).uniform_(-bound, bound)
    return nn.Parameter(u), nn.Parameter(-u)


def attach_ether_plus(model: PreTrainedModel, layout: GateLayout) -> list[nn.Parameter]:
    """Wraps the matrices of a layout and returns their vectors, in the layout's order."""
    return [v for layer in wrap_matrices(model, layout, EtherPlus) for v in layer.vectors]
