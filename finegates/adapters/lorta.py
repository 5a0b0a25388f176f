"""LoRTA (arXiv 2410.04060): one low-rank tensor is the update of all attention matrices of a model.

For head i, role j and layer k the update is ``A diag(h_i * m_j * l_k) B``. Heads are parts of the
outputs of q, k and v and of the inputs of o, and so they are here. That is our choice: in the
authors' code (github.com/ihounie/lorta, commit fa13dcb) they are parts of the inputs of all four,
which is another model with as many parameters. Without its dropout.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import linear
from transformers import PreTrainedModel

from finegates.adapters.layer import AdapterLayer, SharedFactors, wrap_matrices
from finegates.gates.layout import GateLayout
from finegates.models.dense_parameters import lorta_roles, lorta_width

FACTORS_NAME = "lorta"
"""Under this name the model owns the factors."""


class LortaFactors(SharedFactors):
    """The factors of a model's updates, shared by all its matrices.

    Args:
        layout: The matrices, each of a shape ``(width, width)``.
        rank: Rank r of the tensor.

    Attributes:
        a: Shape ``(width, r)``, uniform in +-1/sqrt(r) at the start.
        b: Shape ``(r, width / heads)``, 0 at the start, so every update is.
        heads: Shape ``(num_heads, r)``, uniform in +-sqrt(6 / r), as the next two.
        roles: Shape ``(num_roles, r)``, for the adapted ones of q, k, v and o, in this order.
        layers: Shape ``(num_layers, r)``.

    Raises:
        ModelError: If a matrix of the layout is of another shape, or has no heads.
    """

    def __init__(self, layout: GateLayout, rank: int) -> None:
        super().__init__()
        width, heads = lorta_width(layout), layout.num_heads
        self.a = _uniform(width, rank, rank**-0.5)
        self.b = nn.Parameter(torch.zeros(rank, width // heads))
        bound = (6 / rank) ** 0.5
        self.heads = _uniform(heads, rank, bound)
        self.roles = _uniform(len(lorta_roles(layout)), rank, bound)
        self.layers = _uniform(layout.num_layers, rank, bound)

    def of_heads(self, layer: int, role: int) -> Tensor:
        """``B^T diag(h_i * m_j * l_k)`` of all heads i, one below the other, ``(width, r)``.

        Args:
            layer: Number k of the layer.
            role: Row j of ``roles``.
        """
        weights = self.heads * self.roles[role] * self.layers[layer]
        return torch.einsum("hr,rd->hdr", weights, self.b).flatten(0, 1)


def _uniform(rows: int, columns: int, bound: float) -> nn.Parameter:
    return nn.Parameter(torch.empty(rows, columns).uniform_(-bound, bound))


class LortaLinear(AdapterLayer):
    """``y = W x + b + (alpha / r) dW x``.

    Args:
        base_layer: The Linear to adapt, as wide as it is high.
        factors: The model's.
        place: Layer, and row of the factor of roles.
        into_heads: Whether heads are parts of the outputs, as in q, k and v; else of the inputs.
        alpha: Scale times r.
    """

    def __init__(
        self,
        base_layer: nn.Linear,
        factors: LortaFactors,
        place: tuple[int, int],
        into_heads: bool,
        alpha: float,
    ) -> None:
        super().__init__(base_layer)
        self._factors = (factors,)  # in a tuple: the model owns them, this only looks at them
        self.place, self.into_heads = place, into_heads
        self.scale = alpha / factors.a.shape[1]

    def _sides(self) -> tuple[Tensor, Tensor]:
        """dW as a product of two matrices, ``(out_features, r)`` and ``(in_features, r)``.

        Its heads' blocks share A: one row of blocks, or one column.
        """
        (factors,) = self._factors
        of_heads = factors.of_heads(*self.place)
        return (of_heads, factors.a) if self.into_heads else (factors.a, of_heads)

    def forward(self, x: Tensor) -> Tensor:
        """``(..., in_features)`` -> ``(..., out_features)``; dW is not built."""
        outputs, inputs = self._sides()
        return self.base_layer(x) + linear(linear(x, inputs.T), outputs) * self.scale

    def weight_change(self) -> Tensor:
        """``(alpha / r) dW``, shape ``(out_features, in_features)``."""
        outputs, inputs = self._sides()
        return self.scale * outputs @ inputs.T


def attach_lorta(
    model: PreTrainedModel, layout: GateLayout, rank: int, alpha: float
) -> list[nn.Parameter]:
    """Wraps the matrices of a layout; the model gets the shared factors as ``model.lorta``.

    Returns:
        The five factors.

    Raises:
        ModelError: As `finegates.models.dense_parameters.lorta_width`.
    """
    factors, roles = LortaFactors(layout, rank), lorta_roles(layout)
    places = iter([(m.layer, roles.index(m.role)) for m in layout.matrices])

    def make(base: nn.Linear) -> LortaLinear:
        layer, role = next(places)
        return LortaLinear(base, factors, (layer, role), roles[role] != "o", alpha)

    layers = wrap_matrices(model, layout, make)
    model.add_module(FACTORS_NAME, factors.to(layers[0].weight.device))
    return [*factors.parameters()]
