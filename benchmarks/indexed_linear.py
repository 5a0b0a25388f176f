"""A product of some columns of its input into some rows of its output, as a mask would give it."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from finegates.shrinking.hardware import hardware, padded
from finegates.shrinking.layers import read


def indexed_linear(
    dense: nn.Linear, rows: Tensor, columns: Tensor
) -> tuple[nn.Linear, Callable[[Tensor], Tensor]]:
    """The smaller product of a Linear, and what gives the Linear's output with all else closed.

    Args:
        dense: The Linear; not changed.
        rows: Indices of open outputs, rising.
        columns: Indices of open inputs, rising.

    Returns:
        A Linear of ``len(columns)`` inputs and ``len(rows)`` outputs, and a function from
        ``(..., in_features)`` to ``(..., out_features)`` that is zero where rows are closed.
    """
    weight, bias = dense.weight.detach(), dense.bias.detach()
    narrow = _linear(weight[rows][:, columns], bias[rows])
    if len(rows) == len(bias):
        return narrow, lambda x: narrow(read(x, columns))
    zero = nn.functional.pad
    multiple = hardware(weight.device.type).row_multiple
    more = padded(len(rows) + 1, multiple) - len(rows)  # closed outputs read a row of zeros
    wide = _linear(zero(narrow.weight, (0, 0, 0, more)), zero(narrow.bias, (0, more)))
    places = torch.full((len(bias),), len(rows), device=weight.device)
    places[rows] = torch.arange(len(rows), device=weight.device)
    return narrow, lambda x: read(wide(read(x, columns)), places)


def open_indices(width: int, left: float, device: str) -> Tensor:
    """Indices of this fraction of a width, at random and rising; a multiple that suits products."""
    multiple = hardware(torch.device(device).type).row_multiple
    count = min(padded(max(round(width * left), 1), multiple), width)
    chosen = torch.randperm(width, generator=torch.Generator().manual_seed(0))[:count]
    return chosen.sort().values.to(device)


def _linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    linear = nn.Linear(weight.shape[1], weight.shape[0], device="meta")
    linear.weight, linear.bias = nn.Parameter(weight.clone()), nn.Parameter(bias.clone())
    return linear
