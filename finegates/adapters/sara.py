"""SaRA (arXiv 2409.06633): the smallest entries of the pretrained weights are trained.

The authors' code (github.com/sjtuplayer/SaRA, commit ea21192) is for diffusion models and trains
all entries below a threshold. Ours, where classifiers need another choice: a budget, the k smallest
entries over all target matrices together, in place of the threshold; a rate of 1e-3, where theirs
follows from the threshold; no weight decay, where theirs is 1e-2 and pulls trained entries to 0.
Decay that is asked for pulls ``delta`` to 0, so an entry to what it was when it was chosen.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate, count
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear
from torch.optim import Optimizer
from transformers import PreTrainedModel

from finegates.adapters.hooks import Hooks, Moment
from finegates.adapters.largest import largest
from finegates.adapters.layer import AdapterLayer, SharedFactors, wrap_matrices
from finegates.gates.layout import GateLayout
from finegates.models.sparse_sizes import sparta_entries
from finegates.nn.model_parts import locate
from finegates.spec import RunSpec

ENTRIES_NAME = "sara"
"""Under this name the model owns the trained entries."""


class SmallEntries(SharedFactors):
    """The trained entries of a model: one vector, of which each matrix looks at its part.

    Args:
        weights: The target matrices, in the layout's order.
        density: Share of all their entries that is trained; at least one is.

    Attributes:
        delta: What is added to the trained entries, float32, shape ``(k,)``, 0 at the start.
        index: Their places among the entries of all matrices, int64, ascending, shape ``(k,)``.
        settled: What had been added to the first set when the second was chosen, shape ``(k,)``.
        settled_index: The places of that first set, ascending, shape ``(k,)``.
    """

    index: Tensor
    settled: Tensor
    settled_index: Tensor

    def __init__(self, weights: Sequence[Tensor], density: float) -> None:
        super().__init__()
        self.starts = [0, *accumulate(w.numel() for w in weights)]
        trained = sparta_entries(self.starts[-1], density)
        self.delta = nn.Parameter(torch.zeros(trained))
        self.register_buffer("index", _smallest(weights, trained))
        self.register_buffer("settled", torch.zeros(trained))
        self.register_buffer("settled_index", self.index.clone())
        self._find_parts()

    @torch.no_grad()
    def choose_again(self, weights: Sequence[Tensor]) -> None:
        """Settles what was added, and starts anew with the entries that are the smallest now.

        Args:
            weights: The matrices as they are, what was added included.
        """
        self.settled.copy_(self.delta)
        self.settled_index.copy_(self.index)
        self.index.copy_(_smallest(weights, len(self.index)))
        self.delta.zero_()
        self._find_parts()

    def added(self, number: int, weight: Tensor) -> Tensor:
        """A matrix with all that is added to it, in its own precision; differentiable.

        Args:
            number: Which of the target matrices.
            weight: Its base weight.
        """
        settled, trained, start = self._parts[0][number], self.part(number), self.starts[number]
        flat = weight.flatten()
        for places, values in (
            (self.settled_index[settled], self.settled[settled]),
            (self.index[trained], self.delta[trained]),
        ):
            flat = flat.index_add(0, places - start, values.to(weight.dtype))
        return flat.view_as(weight)

    def part(self, number: int) -> slice:
        """The trained entries of one matrix within ``index`` and ``delta``."""
        return self._parts[1][number]

    def _find_parts(self) -> None:
        starts = torch.tensor(self.starts, device=self.index.device)
        found = (torch.searchsorted(i, starts).tolist() for i in (self.settled_index, self.index))
        self._parts = [[*map(slice, bounds, bounds[1:])] for bounds in found]

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self._find_parts()


class SaraLinear(AdapterLayer):
    """``y = (W + what was settled + scatter(delta)) x + b``.

    Args:
        base_layer: The Linear to adapt.
        entries: Of the model.
        number: Which of its target matrices this is.
    """

    def __init__(self, base_layer: nn.Linear, entries: SmallEntries, number: int) -> None:
        super().__init__(base_layer)
        self._entries = (entries,)  # in a tuple: the model owns them, this only looks at them
        self.number = number

    def present_weight(self) -> Tensor:
        """The weight as it is now, shape ``(out_features, in_features)``; differentiable."""
        return self._entries[0].added(self.number, self.weight)

    def forward(self, x: Tensor) -> Tensor:
        """``(..., in_features)`` -> ``(..., out_features)``; one dense product, as SpaRTA's."""
        return linear(x, self.present_weight(), self.bias)

    def weight_change(self) -> Tensor:
        """What is added, shape ``(out_features, in_features)``, the same as a sparse tensor."""
        return self._entries[0].added(self.number, torch.zeros_like(self.weight))

    def rank_loss(self) -> Tensor:
        """Nuclear norm of the matrix with its trained entries alone, a scalar."""
        entries, flat = self._entries[0], self.present_weight().flatten()
        trained = entries.index[entries.part(self.number)] - entries.starts[self.number]
        alone = torch.zeros_like(flat).index_copy(0, trained, flat[trained])
        return torch.linalg.matrix_norm(alone.view_as(self.weight).float(), "nuc")


class SaraHooks(Hooks):
    """Chooses the entries once more at half of the steps; keeps their matrices' rank low if asked.

    Entries that have grown past the limit by then stay as they have become. The optimizer's state
    of ``delta`` starts anew, as the authors' does.
    """

    def __init__(self, model: PreTrainedModel, spec: RunSpec) -> None:
        super().__init__(model)
        self._penalty = spec.sara_rank_penalty
        layers = (m for m in model.modules() if isinstance(m, SaraLinear))
        self._layers = sorted(layers, key=lambda layer: layer.number)

    @torch.no_grad()
    def before_step(self, moment: Moment, optimizer: Optimizer) -> None:
        """Chooses again where one half of the steps is done."""
        if moment.step != moment.total_steps // 2 + 1:
            return
        entries = self.model.get_submodule(ENTRIES_NAME)
        assert isinstance(entries, SmallEntries)
        entries.choose_again([layer.present_weight() for layer in self._layers])
        optimizer.state.pop(entries.delta, None)

    def extra_loss(self, moment: Moment, batch: Mapping[str, Tensor], output: Any) -> Tensor | None:
        """The rank loss of one matrix, drawn anew at each step."""
        if not self._penalty:
            return None
        drawn = int(torch.randint(len(self._layers), ()))
        return self._penalty * self._layers[drawn].rank_loss()


def attach_sara(model: PreTrainedModel, layout: GateLayout, density: float) -> list[nn.Parameter]:
    """Wraps the matrices of a layout; the model gets the trained entries as ``model.sara``.

    Args:
        model: Changed in place.
        layout: Which matrices.
        density: Share of all their entries together that is trained.

    Returns:
        The one trained vector.
    """
    weights = [getattr(*locate(model, matrix)).weight for matrix in layout.matrices]
    entries, numbers = SmallEntries(weights, density).to(weights[0].device), count()
    wrap_matrices(model, layout, lambda base: SaraLinear(base, entries, next(numbers)))
    model.add_module(ENTRIES_NAME, entries)
    return [entries.delta]


def _smallest(weights: Sequence[Tensor], number: int) -> Tensor:
    """Places of the smallest entries of all matrices, ascending; of equals the first ones."""
    sizes = torch.cat([w.detach().abs().flatten() for w in weights])
    return largest(-sizes, number).nonzero()[:, 0]
