"""MELoRA (arXiv 2402.17263): small low-rank updates, side by side on the diagonal of a matrix.

Defaults are of the authors' code, github.com/ChasonShi/MELoRA, commit 4ebb8b4, without its dropout.
There a width that the number of blocks does not divide loses its rest; here it is refused.
"""

import math

import torch
from torch import Tensor, einsum, nn
from transformers import PreTrainedModel

from finegates.adapters.layer import AdapterLayer, wrap_matrices
from finegates.gates.layout import GateLayout
from finegates.models.dense_parameters import check_blocks


class BlockLora(AdapterLayer):
    """``y = W x + b + (alpha / r) (B_1 A_1 x_1, ..., B_n A_n x_n)``, x_i the i-th n-th of x.

    Args:
        base_layer: The Linear to adapt; n divides both of its sides.
        rank: Rank r of one block.
        alpha: Scale times r.
        blocks: Their number n.

    Attributes:
        a: Shape ``(n, r, in_features / n)``, kaiming-uniform in each block at the start.
        b: Shape ``(n, out_features / n, r)``, 0 at the start.
        scale: ``alpha / r``.
    """

    def __init__(self, base_layer: nn.Linear, rank: int, alpha: float, blocks: int) -> None:
        super().__init__(base_layer)
        self.a = nn.Parameter(torch.empty(blocks, rank, self.in_features // blocks))
        self.b = nn.Parameter(torch.zeros(blocks, self.out_features // blocks, rank))
        for block in self.a:
            nn.init.kaiming_uniform_(block, a=math.sqrt(5))
        self.scale = alpha / rank

    def forward(self, x: Tensor) -> Tensor:
        """``(..., in_features)`` -> ``(..., out_features)``; all blocks in two products."""
        parts = x.unflatten(-1, (len(self.a), -1))
        inner = einsum("...ni,nri->...nr", parts, self.a)
        update = einsum("...nr,nor->...no", inner, self.b).flatten(-2)
        return self.base_layer(x) + update * self.scale

    def weight_change(self) -> Tensor:
        """``(alpha / r) blockdiag(B_i A_i)``, shape ``(out_features, in_features)``."""
        return self.scale * torch.block_diag(*(self.b @ self.a))


def attach_melora(
    model: PreTrainedModel, layout: GateLayout, rank: int, alpha: float, blocks: int
) -> list[nn.Parameter]:
    """Wraps the matrices of a layout and returns A and B of each, in the layout's order.

    Raises:
        ModelError: If the number of blocks does not divide a side.
    """
    check_blocks(layout, blocks)
    layers = wrap_matrices(model, layout, lambda base: BlockLora(base, rank, alpha, blocks))
    return [p for layer in layers for p in (layer.a, layer.b)]
