"""Closing by weight: what one would do without learned gates.

Rows and columns are ordered by the root mean square of their weights, low-rank updates merged, so
that long and short vectors compare.
"""

import torch
from torch import Tensor
from transformers import PreTrainedModel

from finegates.nn.attach import gated_linears
from finegates.nn.gates import Gates

_OPEN_MEAN = 0.6
"""Under the gaussian law every mean from 0.5 on is a gate of exactly 1."""


@torch.no_grad()
def order_by_magnitude(model: PreTrainedModel, gates: Gates) -> None:
    """Opens every gate, orders the gates by the size of what they gate, and settles them.

    Args:
        model: Carries the gates.
        gates: Under a gaussian law; their parameter is no longer trained.
    """
    sizes = torch.cat([size for gated in gated_linears(model) for size in _sizes(gated)])
    gates.parameter.copy_(_OPEN_MEAN + sizes / sizes.max())
    gates.parameter.requires_grad_(False)
    gates.settled = True


def _sizes(gated) -> list[Tensor]:
    """Root mean squares of the columns, then of the rows, where those sides carry gates."""
    square = gated.merged_weight().float().square()
    over = {"in": 0, "out": 1}
    return [square.mean(over[side]).sqrt() for side in gated.matrix.sides]
