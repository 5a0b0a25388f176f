"""Closing by weight: what one would do without learned gates.

Rows, columns and structures are ordered by the root mean square of their weights, low-rank updates
merged, so that long and short vectors compare.
"""

import torch
from torch import Tensor
from transformers import PreTrainedModel

from finegates.gates.layout import GateLayout
from finegates.nn.attach import gated_linears
from finegates.nn.gated_linear import GatedLinear
from finegates.nn.gates import Gates

_OPEN_MEAN = 0.6
"""Under the gaussian law every mean from 0.5 on is a gate of exactly 1."""


@torch.no_grad()
def order_by_magnitude(model: PreTrainedModel, gates: Gates) -> None:
    """Opens every gate, orders the gates by the size of what they gate, and settles them.

    Args:
        model: Carries the gates.
        gates: As of `order_by`.
    """
    order_by(gates, magnitudes(model, gates))


@torch.no_grad()
def magnitudes(model: PreTrainedModel, gates: Gates) -> Tensor:
    """Root mean square of all rows and columns that go with each gate, ``(num_gates,)``."""
    squares = torch.cat([square for gated in gated_linears(model) for square in _squares(gated)])
    return means_of_gates(gates.layout, squares).sqrt()


def hold_open(gates: Gates) -> None:
    """Opens every gate and settles all of them; none comes before another."""
    order_by(gates, torch.ones_like(gates.parameter))


@torch.no_grad()
def order_by(gates: Gates, importance: Tensor) -> None:
    """Opens every gate, orders the gates by their importance, and settles them.

    Args:
        gates: Under a gaussian law; their parameter is no longer trained.
        importance: At least 0 and not all 0, shape ``(num_gates,)``.
    """
    gates.parameter.copy_(_OPEN_MEAN + importance / importance.max())
    gates.parameter.requires_grad_(False)
    gates.settled = True


def _squares(gated: GatedLinear) -> list[Tensor]:
    """Mean squares of the columns, then of the rows, where those sides have gates."""
    square = gated.merged_weight().float().square()
    over = {"in": 0, "out": 1}
    return [square.mean(over[side]) for side in gated.matrix.sides]


def means_of_gates(layout: GateLayout, dimensions: Tensor) -> Tensor:
    """Means over the rows and columns of each gate: ``(num_dimensions,)`` -> ``(num_gates,)``."""
    places = torch.from_numpy(layout.gates_of_dimensions).to(dimensions.device)
    sums, counts = dimensions.new_zeros(2, layout.num_gates + 1)
    for place in places:
        sums.index_add_(0, place, dimensions)
        counts.index_add_(0, place, torch.ones_like(dimensions))
    return (sums / counts)[: layout.num_gates]
