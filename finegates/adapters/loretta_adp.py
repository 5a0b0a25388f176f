"""LoRETTA's adapters (arXiv 2402.11417): bottlenecks whose two weights are tensor trains.

Sizes and what is drawn at the start are those of the authors' code, github.com/yifanycc/loretta,
commit c66bbb3. Ours are the start at zero and the ordinary head: the authors' up half is not zero,
so that their model differs from the pretrained one at the first step, and they replace the head's
dense layer by a tensor train. By their documentation layer norms are trained too, here as
`RunSpec.train_layer_norms` says.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, relu
from transformers import PreTrainedModel

from finegates.adapters.layer import NonlinearAdapter, wrap_matrices
from finegates.adapters.tensor_train import TensorTrain
from finegates.gates.layout import GateLayout


class TensorTrainLinear(nn.Module):
    """``x T + bias`` with a tensor train T.

    Args:
        train: T, of shape (in, out).

    Attributes:
        bias: Shape ``(out,)``, uniform within ``1 / sqrt(out)`` at the start.
    """

    def __init__(self, train: TensorTrain) -> None:
        super().__init__()
        self.train_of_cores = train
        out_features = train.size[1]
        bound = out_features**-0.5
        self.bias = nn.Parameter(torch.empty(out_features).uniform_(-bound, bound))

    def start_at_zero(self) -> "TensorTrainLinear":
        """Makes T and the bias 0; returns itself."""
        self.train_of_cores.start_at_zero()
        nn.init.zeros_(self.bias)
        return self

    def forward(self, x: Tensor) -> Tensor:
        """``(..., in)`` -> ``(..., out)``."""
        return linear(x, self.train_of_cores.matrix().T, self.bias)


class LorettaAdapter(NonlinearAdapter):
    """``z + Up(relu(Down z))`` with ``z = W x + b``: before dropout, residual and layer norm.

    Up is 0 at the start, so the model starts as it was (our choice).

    Args:
        base_layer: The Linear whose output is adapted.
        width: Between Down and Up.
        rank: Of both tensor trains.
    """

    technique = "LoRETTA"

    def __init__(self, base_layer: nn.Linear, width: int, rank: int) -> None:
        super().__init__(base_layer)
        self.down = TensorTrainLinear(TensorTrain(self.out_features, width, rank))
        self.up = TensorTrainLinear(TensorTrain(width, self.out_features, rank)).start_at_zero()

    def forward(self, x: Tensor) -> Tensor:
        """``(..., in_features)`` -> ``(..., out_features)``."""
        z = self.base_layer(x)
        return z + self.up(relu(self.down(z)))


def attach_loretta_adp(
    model: PreTrainedModel, layout: GateLayout, width: int, rank: int
) -> list[nn.Parameter]:
    """Puts an adapter after the matrices of a layout; the authors' are o and output.

    Returns:
        Cores and biases of every adapter, in the layout's order.
    """
    layers = wrap_matrices(model, layout, lambda base: LorettaAdapter(base, width, rank))
    return [p for layer in layers for half in (layer.down, layer.up) for p in half.parameters()]
