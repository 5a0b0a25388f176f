"""CoFi's layerwise distillation (arXiv 2204.00408): whichever layers are left, they are taught.

Four layers of the teacher are each matched with the student's layer that is nearest to them now,
through a trained map that begins as the identity. Its code (github.com/princeton-nlp/CoFiPruning,
commit da855a8) adds up the mean squared differences, weighs them by 0.9 and the divergence of the
answers by 0.1, and leaves the labels out. Layers of models that are not 12 deep, and that padding
is left out, are ours.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from finegates.adapters.aids import Aid
from finegates.adapters.hooks import Hooks
from finegates.nn.attach import gates_of
from finegates.nn.imitation import over_tokens
from finegates.nn.model_parts import size_of
from finegates.spec import RunSpec

_QUARTERS = 4
_MAP = "layer_map"
_ATTENTION = "{}.sublayers.attention"
"""The gate vector of a layer's whole attention, which a run may have."""


class LayerMap(Aid):
    """``h -> W h + b`` of hidden states, ``(..., width)`` both ways; the identity at the start."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.eye(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, states: Tensor) -> Tensor:
        """``(..., width)`` -> ``(..., width)``."""
        return nn.functional.linear(states.float(), self.weight, self.bias)


class LayerwiseHooks(Hooks):
    """Imitates the teacher's hidden states as CoFi does; without a teacher it does nothing."""

    @classmethod
    def attach(cls, model: PreTrainedModel, spec: RunSpec) -> list[nn.Parameter]:
        """Puts the map on a model that is to imitate hidden states."""
        if not spec.hidden_distillation_weight:
            return []
        model.add_module(_MAP, LayerMap(size_of(model, "hidden")))
        return list(model.get_submodule(_MAP).parameters())

    def hidden_loss(
        self, student: Sequence[Tensor], teacher: Sequence[Tensor], mask: Tensor | None
    ) -> Tensor:
        """Sum over the taught layers of their mean squared difference to what they are matched."""
        layer_map = self.model.get_submodule(_MAP)
        mapped = [layer_map(states) for states in student[1:]]
        taught = [teacher[number] for number in taught_layers(len(mapped))]
        distances = torch.stack([
            torch.stack([over_tokens((m - t.float()).square().mean(-1), mask) for m in mapped])
            for t in taught
        ])  # fmt: skip
        matched = matched_layers(distances.detach(), self._attends(len(mapped)))
        return distances[torch.arange(len(taught)), torch.tensor(matched)].sum()

    def _attends(self, layers: int) -> list[bool]:
        """Whether each layer's attention is open in this pass."""
        gates = gates_of(self.model)
        found = (gates.layout.places.get(_ATTENTION.format(layer)) for layer in range(layers))
        vectors = [gates.layout.vectors[place] for place in found if place is not None]
        if len(vectors) < layers:  # gates of all layers, or of none
            return [True] * layers
        return (torch.cat([gates.of_vector(vector) for vector in vectors]) > 0).tolist()


def taught_layers(layers: int) -> list[int]:
    """A quarter, half, three quarters and all of so many layers, from 1; fewer where they agree."""
    return sorted({-(-layers * part // _QUARTERS) for part in range(1, _QUARTERS + 1)})


def matched_layers(distances: Tensor, allowed: Sequence[bool]) -> list[int]:
    """The layer of the student for each of the teacher's, from 0, never one above a higher one's.

    From the top down each takes the nearest of those that are left below the last one; where none
    is left, the last one again.

    Args:
        distances: Shape ``(taught layers, layers of the student)``.
        allowed: Which of the student's may be taken; if none may, the highest is.
    """
    last, matched = distances.shape[1], []
    for row in distances.flip(0).tolist():
        left = [layer for layer in range(last) if allowed[layer]]
        fallback = min(last, len(row) - 1)
        last = min(left, key=row.__getitem__) if left else fallback
        matched.append(last)
    return matched[::-1]
