"""Shears (arXiv 2404.10934): the base weights are made sparse, then a LoRA of elastic rank trains.

Wanda (arXiv 2306.11695) says which weights go, as in `finegates.adapters.wanda`. Constants are
those of the authors' code (github.com/IntelLabs/Hardware-Aware-Automated-Machine-Learning, commit
fc29bc7, folders Shears and SQFT), written for decoders. The update is masked as in SQFT's
SparsePEFT, so that merging keeps the zeros. Ours: no dropout before A; of a decoder gate and up
draw together, as both are its ``intermediate``; a matrix that is asked for beyond the authors' (o)
draws alone. Zeros that lie anywhere in a matrix do not make a dense product faster.
"""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import linear
from torch.optim import Optimizer
from transformers import PreTrainedModel

from finegates.adapters.hooks import Hooks, Moment
from finegates.adapters.layer import AdapterLayer, wrap_matrices
from finegates.adapters.wanda import first_rows, input_norms, kept_weights
from finegates.gates.layout import GateLayout
from finegates.models.sparse_sizes import shears_ranks
from finegates.spec import RunSpec

Group = tuple[int, str]
"""A layer's number, and which of its matrices draw one rank."""
_GROUPS = {"q": "attention", "k": "attention", "v": "attention", "gate": "up"}
"""Role -> the group of its layer that draws one rank; a role that is not here is its own."""


class ShearsLinear(AdapterLayer):
    """``y = ((W + (alpha / r_max) B[:, :r] A[:r]) * M) x + b``; the scale is that of every rank r.

    Args:
        base_layer: The Linear to adapt.
        rank: The largest rank, r_max.
        alpha: Scale times r_max.
        group: The matrices that it draws its rank with.

    Attributes:
        a: Shape ``(r_max, in_features)``, uniform at the start as peft's LoRA.
        b: Shape ``(out_features, r_max)``, 0 at the start.
        mask: M, boolean, shape ``(out_features, in_features)``, true where a weight is kept.
        rank: The rank that is trained now.
        kept_rank: That of evaluation, the middle one.
    """

    mask: Tensor

    def __init__(self, base_layer: nn.Linear, rank: int, alpha: float, group: Group) -> None:
        super().__init__(base_layer)
        self.a = nn.Parameter(torch.empty(rank, self.in_features))
        nn.init.kaiming_uniform_(self.a, a=5**0.5)
        self.b = nn.Parameter(torch.zeros(self.out_features, rank))
        everything = torch.ones(self.out_features, self.in_features, dtype=torch.bool)
        self.register_buffer("mask", everything)
        self.scale, self.group = alpha / rank, group
        self.rank, self.kept_rank = rank, shears_ranks(rank)[1]

    def present_weight(self, rank: int) -> Tensor:
        """The masked weight with its update of a rank, shape ``(out_features, in_features)``."""
        change = self.scale * self.b[:, :rank] @ self.a[:rank]
        return (self.weight + change.to(self.weight.dtype)) * self.mask

    def forward(self, x: Tensor) -> Tensor:
        """``(..., in_features)`` -> ``(..., out_features)``; in training at the drawn rank."""
        rank = self.rank if self.training else self.kept_rank
        return linear(x, self.present_weight(rank), self.bias)

    def weight_change(self) -> Tensor:
        """What mask and update change at the kept rank, shape ``(out_features, in_features)``."""
        return self.present_weight(self.kept_rank) - self.weight


class ShearsHooks(Hooks):
    """Makes the base weights sparse before the first step, and draws ranks at each one."""

    def __init__(self, model: PreTrainedModel, spec: RunSpec) -> None:
        super().__init__(model)
        self._sparsity, self._ranks = spec.shears_sparsity, shears_ranks(spec.lora_rank)
        self._layers = [m for m in model.modules() if isinstance(m, ShearsLinear)]

    def before_training(self, batches: Iterable[Mapping[str, Tensor]]) -> None:
        """Sets the masks, layer after layer: each reads what the sparse ones before it put out."""
        rows = [*first_rows(batches)]
        for number in sorted({layer.group[0] for layer in self._layers}):
            layers = [layer for layer in self._layers if layer.group[0] == number]
            for layer, norms in zip(layers, input_norms(self.model, layers, rows), strict=True):
                layer.mask.copy_(kept_weights(layer.weight, norms, self._sparsity))

    def before_step(self, moment: Moment, optimizer: Optimizer) -> None:
        """Draws a rank for each group of each layer."""
        drawn: dict[Group, int] = {}
        for layer in self._layers:
            if layer.group not in drawn:
                drawn[layer.group] = self._ranks[int(torch.randint(len(self._ranks), ()))]
            layer.rank = drawn[layer.group]


def attach_shears(
    model: PreTrainedModel, layout: GateLayout, rank: int, alpha: float
) -> list[nn.Parameter]:
    """Wraps the matrices of a layout; nothing is sparse yet.

    Returns:
        A and B of every matrix.
    """
    groups = ((m.layer, _GROUPS.get(m.role, m.role)) for m in layout.matrices)
    layers = wrap_matrices(
        model, layout, lambda base: ShearsLinear(base, rank, alpha, next(groups))
    )
    return [factor for layer in layers for factor in (layer.a, layer.b)]


def zero_fraction(model: nn.Module) -> float | None:
    """Share of the masked matrices' weights that are held at 0; None if no matrix has a mask."""
    masks = [m.mask for m in model.modules() if isinstance(m, ShearsLinear)]
    kept = sum(int(mask.sum()) for mask in masks)
    return 1 - kept / sum(mask.numel() for mask in masks) if masks else None
