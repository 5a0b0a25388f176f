"""AdaMix (arXiv 2205.12410): adapters after the feed-forward, several Downs that become one.

Sizes and what is drawn at the start are those of the authors' code, github.com/microsoft/AdaMix,
commit d361e9d. It also raises a regression's answers below 0 to 0 for STS-B; here they are left.
"""

from torch import Tensor, nn
from torch.nn.functional import gelu
from transformers import PreTrainedModel

from finegates.adapters.experts import Experts
from finegates.adapters.layer import NonlinearAdapter, wrap_matrices
from finegates.gates.layout import GateLayout

INITIAL_STD = 0.02
"""Of all weights, RoBERTa's ``initializer_range``. Up is not 0, so an adapter that was not trained
yet moves the model a little."""


class AdaMixAdapter(NonlinearAdapter):
    """``z + U gelu(D z + a) + c`` with ``z = W x + b``: before dropout, residual and layer norm.

    D and a are one of M pairs in a training pass, see `finegates.adapters.experts.Experts`, and
    their mean in evaluation. All M are trained and kept with a run; the mean is all it needs.

    Args:
        base_layer: The Linear whose output is adapted.
        width: Between D and U.
        num_experts: M.
    """

    technique = "AdaMix"

    def __init__(self, base_layer: nn.Linear, width: int, num_experts: int) -> None:
        super().__init__(base_layer)
        self.down = Experts(_drawn(self.out_features, width) for _ in range(num_experts))
        self.up = _drawn(width, self.out_features)

    def forward(self, x: Tensor) -> Tensor:
        """``(..., in_features)`` -> ``(..., out_features)``."""
        z = self.base_layer(x)
        return z + self.up(gelu(self.down(z)))


def _drawn(in_features: int, out_features: int) -> nn.Linear:
    """A Linear with a normal weight and a bias of 0."""
    drawn = nn.Linear(in_features, out_features)
    nn.init.normal_(drawn.weight, std=INITIAL_STD)
    nn.init.zeros_(drawn.bias)
    return drawn


def attach_adamix(
    model: PreTrainedModel, layout: GateLayout, width: int, num_experts: int
) -> list[nn.Parameter]:
    """Puts an adapter after the matrices of a layout; the authors' is output.

    Returns:
        Weights and biases of every adapter, in the layout's order.
    """
    layers = wrap_matrices(model, layout, lambda base: AdaMixAdapter(base, width, num_experts))
    return [p for layer in layers for half in (layer.down, layer.up) for p in half.parameters()]
