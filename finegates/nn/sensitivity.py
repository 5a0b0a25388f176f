"""How much the loss feels each gate: the order in which gates may start, or be closed at once.

A gate's sensitivity is ``|d loss / d gate|`` with all gates open, added up over some batches, over
the weights that closing it removes: what is lost, to first order, for each weight that is won. As
LLM-Pruner (arXiv 2305.11627) weighs groups of weights by their gradients. Of a decoder squares are
added up, which stand for the curvature: closed once, it loses half as much (docs/LOG.md,
2026-11-28).
"""

from collections.abc import Iterable

import numpy as np
import torch
from transformers import PreTrainedModel

from finegates.gates.layout import SIDES, GateLayout
from finegates.nn.gates import Gates

SPREAD = 0.2
"""Between the first and the last start, in units of the parameter; all are open. The budget's push
covers it in about ten steps."""


def sensitivities(model: PreTrainedModel, gates: Gates, batches: Iterable[dict]) -> np.ndarray:
    """Of each gate, at least 0, float64, shape ``(num_gates,)``.

    Args:
        model: Carries the gates; nothing of it is changed.
        gates: Its gates.
        batches: Inputs with labels, on the model's device.
    """
    power = 2 if gates.layout.is_decoder else 1
    total = torch.zeros_like(gates.parameter, dtype=torch.float64, requires_grad=False)
    was_training = model.training
    model.eval()
    for batch in batches:
        gates.probe = torch.ones_like(gates.parameter, requires_grad=True)
        with torch.enable_grad():
            loss = model(**batch).loss
            (gradient,) = torch.autograd.grad(loss, gates.probe)
        total += gradient.double().abs() ** power
    gates.probe = None
    gates.forget_draw()
    model.train(was_training)
    return total.detach().cpu().numpy() / weights_of_gates(gates.layout)


def over_kinds(layout: GateLayout, values: np.ndarray) -> np.ndarray:
    """Sensitivities over the mean of the gates that stand for the same, ``(num_gates,)``.

    So that kinds compare: a head's gradient is a sum in which most cancels, a neuron's is not, and
    for each weight heads would all go before the first neurons (docs/LOG.md, 2026-11-28). Rows and
    columns of matrices stay as they are, and so do a decoder's squares, which don't cancel.
    """
    if not layout.is_shared or layout.is_decoder:
        return values
    kinds = np.unique([vector.kind for vector in layout.vectors], return_inverse=True)[1]
    of_gates = kinds[layout.vector_index]
    means = np.bincount(of_gates, values) / np.bincount(of_gates)
    return values / np.where(means > 0, means, 1.0)[of_gates]


def weights_of_gates(layout: GateLayout) -> np.ndarray:
    """Weights that go if one gate alone is closed, shape ``(num_gates,)``."""
    of_dimensions = np.concatenate(
        [
            np.full(side.size, side.matrix.features(SIDES[1 - SIDES.index(side.side)]))
            for side in layout.sides
        ]
    )
    sums = np.zeros(layout.num_gates + 1)
    for gates in layout.gates_of_dimensions:
        np.add.at(sums, gates, of_dimensions)
    return sums[: layout.num_gates]


@torch.no_grad()
def start_in_order(gates: Gates, importance: np.ndarray) -> None:
    """Gives gates evenly spread starts around the law's own, the least important the lowest.

    Args:
        gates: Open, not trained yet.
        importance: Of each gate, shape ``(num_gates,)``.
    """
    ranks = np.argsort(np.argsort(importance, kind="stable"), kind="stable")
    shares = torch.from_numpy(ranks / max(len(ranks) - 1, 1) - 0.5)
    centre, _ = gates.law.initial_parameter
    gates.parameter.copy_((centre + SPREAD * shares).to(gates.parameter))
