"""LoRETTA's update (arXiv 2402.11417): LoRA whose two factors are tensor trains.

Sizes and what is drawn at the start are those of the authors' code, github.com/yifanycc/loretta,
commit c66bbb3. Ours is the start at zero: in their code neither factor is, so that the model
differs from the pretrained one at the first step. Their dropout of 0.05 before the update is left
out, as in the other low-rank methods here; layer norms are trained as `RunSpec.train_layer_norms`
says.
"""

from torch import Tensor, nn
from transformers import PreTrainedModel

from finegates.adapters.layer import AdapterLayer, wrap_matrices
from finegates.adapters.tensor_train import TensorTrain
from finegates.gates.layout import GateLayout


class LorettaUpdate(AdapterLayer):
    """``y = W x + b + (alpha / r) (x A) B`` with tensor trains A and B; B is 0 at the start.

    Args:
        base_layer: The Linear to adapt.
        lora_rank: Rank r of the update.
        alpha: Scale times r.
        rank: Of both tensor trains.

    Attributes:
        a: Of shape (in_features, r).
        b: Of shape (r, out_features).
        scale: ``alpha / r``.
    """

    def __init__(self, base_layer: nn.Linear, lora_rank: int, alpha: float, rank: int) -> None:
        super().__init__(base_layer)
        self.a = TensorTrain(self.in_features, lora_rank, rank)
        self.b = TensorTrain(lora_rank, self.out_features, rank).start_at_zero()
        self.scale = alpha / lora_rank

    def forward(self, x: Tensor) -> Tensor:
        """``(..., in_features)`` -> ``(..., out_features)``."""
        return self.base_layer(x) + self.scale * (x @ self.a.matrix() @ self.b.matrix())

    def weight_change(self) -> Tensor:
        """``(alpha / r) (A B)^T``, shape ``(out_features, in_features)``."""
        return self.scale * (self.a.matrix() @ self.b.matrix()).T


def attach_loretta_rep(
    model: PreTrainedModel, layout: GateLayout, lora_rank: int, alpha: float, rank: int
) -> list[nn.Parameter]:
    """Wraps the matrices of a layout and returns the cores of all, in the layout's order."""
    layers = wrap_matrices(model, layout, lambda base: LorettaUpdate(base, lora_rank, alpha, rank))
    return [p for layer in layers for factor in (layer.a, layer.b) for p in factor.parameters()]
