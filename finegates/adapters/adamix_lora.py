"""AdaMix's LoRA form (arXiv 2205.12410): several A that become one, and one B.

The authors' code (github.com/microsoft/AdaMix, commit d361e9d) has it for GPT-2 alone, with rank 4
and alpha 32; rank and alpha here are those of the project's LoRA.
"""

import math

from torch import Tensor, nn
from transformers import PreTrainedModel

from finegates.adapters.experts import Experts
from finegates.adapters.layer import AdapterLayer, wrap_matrices
from finegates.gates.layout import GateLayout


class AdaMixLora(AdapterLayer):
    """``y = W x + b + (alpha / r) B A x``; A is one of M in a training pass, else their mean.

    The factors are averaged, not their products, as in the authors' code. As in LoRA every A is
    Kaiming uniform at the start and B is 0, so the model starts as it was.

    Args:
        base_layer: The Linear to adapt.
        rank: Rank r.
        alpha: Scale times r.
        num_experts: M.

    Attributes:
        a: Their weights are of shape ``(r, in_features)``.
        b: Its weight is of shape ``(out_features, r)``.
        scale: ``alpha / r``.
    """

    def __init__(self, base_layer: nn.Linear, rank: int, alpha: float, num_experts: int) -> None:
        super().__init__(base_layer)
        self.a = Experts(nn.Linear(self.in_features, rank, bias=False) for _ in range(num_experts))
        for weight in self.a.parameters():
            nn.init.kaiming_uniform_(weight, a=math.sqrt(5))
        self.b = nn.Linear(rank, self.out_features, bias=False)
        nn.init.zeros_(self.b.weight)
        self.scale = alpha / rank

    def forward(self, x: Tensor) -> Tensor:
        """``(..., in_features)`` -> ``(..., out_features)``."""
        return self.base_layer(x) + self.scale * self.b(self.a(x))

    def weight_change(self) -> Tensor:
        """``(alpha / r) B mean(A)``, shape ``(out_features, in_features)``."""
        return self.scale * self.b.weight @ self.a.weight


def attach_adamix_lora(
    model: PreTrainedModel, layout: GateLayout, rank: int, alpha: float, num_experts: int
) -> list[nn.Parameter]:
    """Wraps the matrices of a layout and returns every A and B, in the layout's order."""
    layers = wrap_matrices(model, layout, lambda base: AdaMixLora(base, rank, alpha, num_experts))
    return [p for layer in layers for factor in (layer.a, layer.b) for p in factor.parameters()]
