"""Dynamic Subset Tuning (arXiv 2411.08610): after each step all but a few entries are as before.

A step moves every entry; then those farthest from the seed, the pretrained weight, are kept, and
all others go back to it, so which ones differ is decided anew at each step. Nothing of the authors'
code was found. Ours: a matrix is a silo; distance is the absolute difference; of equals the first
are kept, but at the first step, at which AdamW moves all entries alike, those of the largest
gradient; the optimizer's moments of entries that go back are kept; no weight decay (which would
pull to the seed, as what is trained is the difference to it).

Gradients and moments are dense: it takes the memory of full fine-tuning, and a small file.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear
from transformers import PreTrainedModel

from finegates.adapters.hooks import Hooks, Moment
from finegates.adapters.largest import largest
from finegates.adapters.layer import AdapterLayer, wrap_matrices
from finegates.gates.layout import GateLayout
from finegates.models.sparse_sizes import sparta_entries
from finegates.spec import RunSpec

_DELTA, _INDEX, _VALUES = "delta", "index", "values"


class SubsetLinear(AdapterLayer):
    """``y = (W + delta) x + b``; after each step at most k entries of delta are not 0.

    Its state is sparse: ``index``, the places of k entries of the flat delta, int64, ascending, and
    their ``values``, which are all that are not 0.

    Args:
        base_layer: The Linear to adapt; its weight is the seed.
        density: Share of its entries that may differ, in (0, 1]; at least one may.

    Attributes:
        delta: The difference, float32, shape ``(out_features, in_features)``, 0 at the start.
        num_kept: The number k.
    """

    def __init__(self, base_layer: nn.Linear, density: float) -> None:
        super().__init__(base_layer)
        self.delta = nn.Parameter(torch.zeros(self.out_features, self.in_features))
        self.num_kept = sparta_entries(self.delta.numel(), density)

    def forward(self, x: Tensor) -> Tensor:
        """``(..., in_features)`` -> ``(..., out_features)``; the sum as SpaRTA makes it."""
        return linear(x, self.weight + self.delta.to(self.weight.dtype), self.bias)

    def weight_change(self) -> Tensor:
        """``delta``, shape ``(out_features, in_features)``."""
        return self.delta

    @torch.no_grad()
    def keep_largest(self, sizes: Tensor) -> None:
        """Sets all entries back but the k with the largest of these sizes, in delta's shape."""
        kept = largest(sizes.flatten(), self.num_kept)
        self.delta.masked_fill_(~kept.view_as(self.delta), 0.0)

    def _save_to_state_dict(self, destination: dict, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        delta = destination.pop(prefix + _DELTA).detach().flatten()
        index = largest(delta.abs(), self.num_kept).nonzero()[:, 0]
        destination |= {prefix + _INDEX: index, prefix + _VALUES: delta[index]}

    def _load_from_state_dict(self, state: dict, prefix: str, *args: Any) -> None:
        state = dict(state)
        index, values = (state.pop(prefix + name, None) for name in (_INDEX, _VALUES))
        if index is not None and values is not None:
            flat = values.new_zeros(self.delta.numel()).index_copy(0, index, values)
            state[prefix + _DELTA] = flat.view_as(self.delta)
        super()._load_from_state_dict(state, prefix, *args)


class SubsetHooks(Hooks):
    """Sets back after each step all entries but those that are farthest from their seed."""

    def __init__(self, model: PreTrainedModel, spec: RunSpec) -> None:
        super().__init__(model)
        self._layers = [m for m in model.modules() if isinstance(m, SubsetLinear)]

    def after_step(self, moment: Moment) -> None:
        """Keeps k entries of each matrix: of the first step those of the largest gradient."""
        for layer in self._layers:
            first, gradient = moment.step == 1, layer.delta.grad
            sizes = gradient if first and gradient is not None else layer.delta.detach()
            layer.keep_largest(sizes.abs())


def attach_subset(model: PreTrainedModel, layout: GateLayout, density: float) -> list[nn.Parameter]:
    """Wraps the matrices of a layout and returns their deltas, in the layout's order."""
    layers = wrap_matrices(model, layout, lambda base: SubsetLinear(base, density))
    return [layer.delta for layer in layers]
