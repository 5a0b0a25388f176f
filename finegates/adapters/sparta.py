"""SpaRTA (arXiv 2502.15975): a few entries of a matrix, chosen at random, are trained."""

import torch
from torch import Tensor, nn
from torch.nn.functional import linear
from transformers import PreTrainedModel

from finegates.adapters.layer import AdapterLayer, wrap_matrices
from finegates.gates.layout import GateLayout
from finegates.models.sparse_sizes import sparta_entries

SPARTA_BETAS = (0.9, 0.99)
"""AdamW's, in the authors' code (github.com/IBM/SpaRTA, commit 64c8566, sparta/sft.py)."""


class SparseDelta(AdapterLayer):
    """``y = (theta + scatter(delta)) x + b``; delta is 0 at the start.

    Args:
        base_layer: The Linear to adapt; its weight is theta.
        density: Share of its entries that is trained, in (0, 1]; at least one entry is.
        generator: Source of the choice; torch's own if not given.

    Attributes:
        index: Trained entries of the flat weight, int64, ascending, shape ``(num_entries,)``.
        delta: What is added to them, float32, shape ``(num_entries,)``.
    """

    index: Tensor

    def __init__(
        self, base_layer: nn.Linear, density: float, generator: torch.Generator | None = None
    ) -> None:
        super().__init__(base_layer)
        num_weights = base_layer.weight.numel()
        count = sparta_entries(num_weights, density)
        chosen = torch.randperm(num_weights, generator=generator)[:count]
        self.register_buffer("index", chosen.sort().values)
        self.delta = nn.Parameter(torch.zeros(count))

    def forward(self, x: Tensor) -> Tensor:
        """``(..., in_features)`` -> ``(..., out_features)``.

        One dense product: sparse ones are slower on every device at densities worth training. The
        sum is made in the weight's own precision, as small changes would be lost in bfloat16, and
        autocast then casts it once.
        """
        flat = self.weight.flatten().index_add(0, self.index, self.delta.to(self.weight.dtype))
        return linear(x, flat.view_as(self.weight), self.bias)

    def weight_change(self) -> Tensor:
        """``scatter(delta)``, shape ``(out_features, in_features)``."""
        return self.to_sparse().to_dense()

    def to_sparse(self) -> Tensor:
        """The change as a coalesced sparse COO tensor, shape ``(out_features, in_features)``."""
        places = torch.stack((self.index // self.in_features, self.index % self.in_features))
        return torch.sparse_coo_tensor(
            places,
            self.delta.detach(),
            size=(self.out_features, self.in_features),
            is_coalesced=True,
            check_invariants=False,
        )


def attach_sparta(model: PreTrainedModel, layout: GateLayout, density: float) -> list[nn.Parameter]:
    """Wraps the matrices of a layout and returns their deltas, in the layout's order."""
    layers = wrap_matrices(model, layout, lambda base: SparseDelta(base, density))
    return [layer.delta for layer in layers]
