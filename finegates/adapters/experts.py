"""Several Linears in the place of one: a training pass takes one of them, an evaluation their mean.

After AdaMix (arXiv 2205.12410), as in the authors' code, github.com/microsoft/AdaMix, commit
d361e9d: the draw is uniform, one for the whole batch, and each layer draws on its own.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.functional import linear


class Experts(nn.Module):
    """M Linears of one shape.

    A training pass draws from torch's global generator, which the loop seeds for each step, so a
    resumed training draws the same. What was not drawn has no gradient in that pass, and AdamW
    neither moves nor decays a parameter without one: with M = 4 and two passes at most two of four
    Linears are moved in a step, and decay (0 unless asked for) reaches each every second step or
    so, as in the authors' code.

    Args:
        linears: All with biases, or none.
    """

    def __init__(self, linears: Iterable[nn.Linear]) -> None:
        super().__init__()
        self.linears = nn.ModuleList(linears)

    def forward(self, x: Tensor) -> Tensor:
        """``(..., in_features)`` -> ``(..., out_features)``."""
        if self.training:
            drawn = int(torch.randint(len(self.linears), ()))
            return self.linears[drawn](x)
        return linear(x, self.weight, self.bias)

    @property
    def weight(self) -> Tensor:
        """The mean of the weights, shape ``(out_features, in_features)``; differentiable."""
        return torch.stack([p for n, p in self.named_parameters() if n.endswith("weight")]).mean(0)

    @property
    def bias(self) -> Tensor | None:
        """The mean of the biases, shape ``(out_features,)``; None if there are none."""
        biases: list[Tensor] = [p for n, p in self.named_parameters() if n.endswith("bias")]
        return torch.stack(biases).mean(0) if biases else None
