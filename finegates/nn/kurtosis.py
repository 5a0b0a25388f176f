"""Weights of the gates in the penalty, from the kurtosis of what they gate (arXiv 2602.09169).

A gate's share of its vector's mean is ``softmax(-sqrt(kurtosis) / 100)`` of activations times
weights; one that stands for a structure has the mean over its rows and columns. The paper does not
say over what the kurtosis is taken; here it is taken without centring (fourth moment over squared
second moment) over the tokens of some training batches: for a column the products of its input with
each of its weights, for a row the matrix's output.
"""

from collections.abc import Iterable

import torch
from torch import Tensor
from transformers import PreTrainedModel

from finegates.gates.layout import GateLayout
from finegates.nn.attach import gated_linears
from finegates.nn.gated_linear import GatedLinear
from finegates.nn.gates import Gates
from finegates.nn.magnitude import means_of_gates

TEMPERATURE = 100.0
"""Of the softmax, arXiv 2602.09169. Weights differ by a few percent at most."""


class _Moments:
    """Second and fourth moments over the tokens seen, shape ``(features,)`` each."""

    def __init__(self) -> None:
        self.second: Tensor | float = 0.0
        self.fourth: Tensor | float = 0.0
        self.count = 0

    def add(self, x: Tensor) -> None:
        square = x.detach().float().flatten(0, -2).square()
        self.second = self.second + square.sum(0)
        self.fourth = self.fourth + square.square().sum(0)
        self.count += len(square)

    def kurtosis(self) -> Tensor:
        second, fourth = torch.as_tensor(self.second), torch.as_tensor(self.fourth)
        return fourth * self.count / second.square().clamp(min=torch.finfo(second.dtype).tiny)


@torch.no_grad()
def gate_weights(model: PreTrainedModel, gates: Gates, batches: Iterable[dict]) -> Tensor:
    """A weight for each gate; the mean within each gate vector is 1.

    Args:
        model: Carries the gates, which are open.
        gates: Its gates.
        batches: Inputs of the model on its device.

    Returns:
        Shape ``(num_gates,)``, on the gates' device.
    """
    moments = {gated: (_Moments(), _Moments()) for gated in gated_linears(model)}

    def look(gated: GatedLinear, inputs: tuple, output: Tensor) -> None:
        moments[gated][0].add(inputs[0])
        moments[gated][1].add(output)

    hooks = [gated.register_forward_hook(look) for gated in moments]
    was_training = model.training
    model.eval()
    for batch in batches:
        model(**batch)
    model.train(was_training)
    for hook in hooks:
        hook.remove()
    kurtosis = torch.cat([k for gated in moments for k in _of_sides(gated, *moments[gated])])
    roots = means_of_gates(gates.layout, kurtosis.sqrt())
    return softmax_by_vector(gates.layout, -roots / TEMPERATURE)


def softmax_by_vector(layout: GateLayout, scores: Tensor) -> Tensor:
    """Softmax within each gate vector, times the vector's size; ``(num_gates,)`` both ways."""
    parts = scores.split([v.size for v in layout.vectors])
    return torch.cat([part.softmax(0) * len(part) for part in parts])


def _of_sides(gated: GatedLinear, inputs: _Moments, outputs: _Moments) -> list[Tensor]:
    square = gated.weight.float().square()
    of_column = square.square().mean(0) / square.mean(0).square()
    sides = {"in": inputs.kurtosis() * of_column, "out": outputs.kurtosis()}
    return [sides[side] for side in gated.matrix.sides]
