"""Gates that are at their budget in every pass."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from finegates.gates.removal import gates_to_close, removal
from finegates.nn.attach import attach_gates, gated_linears
from finegates.nn.gates import Gates
from finegates.nn.projection import project
from tests.toy_models import toy_inputs, toy_model

UNITS = ("neurons", "values", "pairs")
LAYOUT = attach_gates(toy_model(), units=UNITS).layout


def projected(remove, layout=LAYOUT, importance=None):
    gates = Gates(layout, attach_gates(toy_model(), "projected").law)
    project(gates, remove, None, importance)
    return gates


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.0, 0.9), st.sampled_from([1e-9, 1e-3, 1.0, 30.0]))
def test_every_pass_removes_exactly_the_budget_at_any_parameters(seed, remove, size):
    gates = projected(remove)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        gates.parameter.copy_(size * torch.randn(LAYOUT.num_gates, generator=generator))
        gates.parameter[::3] = 0.0  # and with ties
    closed = gates_to_close(LAYOUT, gates.parameter.detach().numpy(), remove)
    values = gates.train()().detach()
    assert ((values == 0).numpy() == closed).all() and (values[values > 0] == 1).all()
    assert removal(LAYOUT, closed).removed_weights_fraction == pytest.approx(remove, abs=0.005)
    assert torch.equal(gates.eval()(), values) and (gates.closed_array() == closed).all()
    kept = gates.law.value(gates.means_array().astype(np.float16))  # as snapshots keep them
    assert ((kept == 0) == closed).all()
    gates.close_exactly(gates_to_close(LAYOUT, gates.means_array(), remove))
    assert (gates.closed_array() == closed).all() and gates.settled


def test_a_gate_has_the_slope_of_the_sigmoid_closed_or_not():
    gates = projected(0.4)
    with torch.no_grad():
        gates.parameter.copy_(torch.linspace(-2, 2, LAYOUT.num_gates))
    weights = torch.randn(LAYOUT.num_gates)
    (gates.train()() * weights).sum().backward()
    p = 1 / (1 + torch.exp(-gates.parameter.detach() / 1.5))
    assert torch.allclose(gates.parameter.grad, weights * p * (1 - p) / 1.5, atol=1e-6)


def test_gates_that_have_learned_nothing_close_by_what_they_are_given():
    importance = torch.rand(LAYOUT.num_gates)
    gates = projected(0.3, importance=importance)
    expected = gates_to_close(LAYOUT, importance.numpy(), 0.3)
    assert (gates.closed_array() == expected).all()
    assert gates.parameter.abs().max() <= 1e-3


def test_closed_gates_of_a_model_learn_and_a_step_may_open_them():
    model = toy_model()
    gates = attach_gates(model, "projected", units=("neurons", "heads"), lora_rank=2)
    project(gates, 0.5, None, torch.rand(gates.layout.num_gates))
    model.train()
    closed = gates.closed_array()
    long = {name: x.repeat(20, 1) for name, x in toy_inputs().items()}  # so many are folded else
    model(**long, labels=torch.tensor([0, 1, 1] * 20)).loss.backward()
    gradient = gates.parameter.grad.numpy()
    assert (gradient[closed] != 0).all() and closed.any()
    assert not any(layer._folds(torch.ones(10_000, 16)) for layer in gated_linears(model))
    torch.optim.AdamW([gates.parameter], lr=1e-2).step()
    assert (gates.closed_array() != closed).any()
    assert gates.removal().removed_weights_fraction == pytest.approx(0.5, abs=0.04)
