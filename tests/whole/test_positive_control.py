"""Where only known dimensions carry the signal, gates keep those and close the noise."""

import numpy as np
import torch
from torch import nn

from finegates.gates.laws import GaussianLaw
from finegates.gates.layout import GatedMatrix, GateLayout
from finegates.gates.removal import gates_to_close
from finegates.nn.gated_linear import GatedLinear
from finegates.nn.gates import Gates
from finegates.nn.penalty import BudgetPenalty

FEATURES, SIGNAL, ROWS, STEPS = 24, (3, 8, 20), 512, 300


def test_gates_keep_the_signal_and_close_the_noise():
    """A frozen random layer reads 24 inputs of which 3 decide the label; 80% has to go."""
    torch.manual_seed(0)
    matrix = GatedMatrix(0, "q", FEATURES, FEATURES, sides=("in",))
    layout = GateLayout((matrix,), num_heads=1, num_key_value_heads=1)
    gates = Gates(layout, GaussianLaw(sampling_sigma=0.1))
    frozen = nn.Linear(FEATURES, FEATURES).requires_grad_(False)
    model, head = GatedLinear(frozen, matrix, gates), nn.Linear(FEATURES, 1)
    x = torch.randn(ROWS, FEATURES)
    label = (x[:, SIGNAL].sum(-1, keepdim=True) > 0).float()
    penalty = BudgetPenalty(layout)
    optimizer = torch.optim.Adam(
        [{"params": [gates.parameter], "lr": 2e-2}, {"params": head.parameters(), "lr": 3e-2}]
    )
    for step in range(STEPS):
        gates.forget_draw()
        loss = nn.functional.binary_cross_entropy_with_logits(head(model(x)), label)
        target = 0.8 * min(1.0, 2 * step / STEPS)
        loss = loss + penalty(gates.law.probability_open(gates.mean), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    closed = gates_to_close(layout, gates.means_array(), 1 - len(SIGNAL) / FEATURES)
    assert tuple(np.flatnonzero(~closed)) == SIGNAL
    values = gates.law.value(gates.means_array())
    assert values[list(SIGNAL)].min() > 0.5 > np.delete(values, SIGNAL).max()
