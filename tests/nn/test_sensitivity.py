"""How much the loss feels each gate, against differences of the loss itself."""

import numpy as np
import pytest
import torch

from finegates.gates.removal import removal
from finegates.gates.units import MATRICES
from finegates.nn.attach import attach_gates
from finegates.nn.magnitude import order_by
from finegates.nn.sensitivity import (
    SPREAD,
    over_kinds,
    sensitivities,
    start_in_order,
    weights_of_gates,
)
from tests.toy_models import toy_inputs, toy_model

UNITS = pytest.mark.parametrize(
    "units",
    [
        (MATRICES,),
        ("neurons", "heads"),
        ("values", "pairs", "reads", "writes", "sublayers"),
        ("hidden", "heads", "neurons"),
    ],
)


def batch():
    return toy_inputs() | {"labels": torch.tensor([0, 1, 1])}


@UNITS
def test_it_is_the_change_of_the_loss_for_each_weight(units):
    model = toy_model().double()
    gates = attach_gates(model, units=units)
    found = sensitivities(model, gates, [batch()])
    assert found.shape == (gates.layout.num_gates,) and (found >= 0).all()
    freed = weights_of_gates(gates.layout)
    rng, step = np.random.default_rng(0), 1e-5
    for gate in rng.choice(gates.layout.num_gates, 12, replace=False):
        losses = []
        for sign in (1, -1):
            gates.probe = torch.ones(gates.layout.num_gates, dtype=torch.float64)
            gates.probe[gate] += sign * step
            losses.append(float(model.eval()(**batch()).loss.detach()))
        gates.probe = None
        slope = abs(losses[0] - losses[1]) / (2 * step)
        assert found[gate] * freed[gate] == pytest.approx(slope, rel=1e-4, abs=1e-9)


@UNITS
def test_weights_of_a_gate_are_what_closing_it_alone_removes(units):
    layout = attach_gates(toy_model(), units=units).layout
    one_by_one = [
        removal(layout, np.arange(layout.num_gates) == gate).removed_weights
        for gate in range(layout.num_gates)
    ]
    assert weights_of_gates(layout).tolist() == one_by_one


def test_batches_add_up_and_the_model_is_as_before():
    model = toy_model()
    gates = attach_gates(model)
    model.train()
    before = {n: value.clone() for n, value in model.state_dict().items() if "extra" not in n}
    model.eval()
    one, two = (sensitivities(model, gates, [batch()] * n) for n in (1, 2))
    assert np.allclose(two, 2 * one)
    assert not model.training and gates.probe is None and gates.parameter.grad is None
    after = model.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_starts_are_open_in_the_order_of_importance():
    gates = attach_gates(toy_model())
    importance = np.random.default_rng(0).uniform(size=gates.layout.num_gates)
    start_in_order(gates, importance)
    means = gates.means_array()
    assert (np.argsort(means) == np.argsort(importance)).all()
    assert np.ptp(means) == pytest.approx(SPREAD, rel=1e-3) and not gates.closed_array().any()


def test_gates_that_are_ordered_at_once_are_open_and_held():
    gates = attach_gates(toy_model())
    importance = torch.rand(gates.layout.num_gates)
    order_by(gates, importance)
    assert (gates.law.value(gates.means_array()) == 1).all() and gates.settled
    assert (np.argsort(gates.means_array()) == importance.argsort().numpy()).all()


def test_kinds_compare_by_what_is_usual_among_their_own():
    layout = attach_gates(toy_model(), units=("heads", "neurons")).layout
    values = np.random.default_rng(0).uniform(1, 2, layout.num_gates)
    heads = np.array([v.kind == "heads" for v in layout.vectors])[layout.vector_index]
    values[heads] /= 1000
    found = over_kinds(layout, values)
    assert found[heads].mean() == pytest.approx(1) and found[~heads].mean() == pytest.approx(1)
    for kind in (heads, ~heads):
        assert (np.argsort(found[kind]) == np.argsort(values[kind])).all()
    plain = attach_gates(toy_model()).layout
    assert (over_kinds(plain, np.arange(plain.num_gates)) == np.arange(plain.num_gates)).all()
    assert (over_kinds(layout, np.zeros(layout.num_gates)) == 0).all()


def test_a_decoders_are_squares_over_weights_and_compare_as_they_are():
    model = toy_model("llama")
    gates = attach_gates(model)
    given = toy_inputs() | {"labels": torch.tensor([0, 1, 1])}
    gates.probe = torch.ones_like(gates.parameter, requires_grad=True)
    (gradient,) = torch.autograd.grad(model.eval()(**given).loss, gates.probe)
    gates.probe = None
    gates.forget_draw()
    found = sensitivities(model, gates, [given, given])
    by_hand = 2 * gradient.double().square().numpy() / weights_of_gates(gates.layout)
    assert np.allclose(found, by_hand, rtol=1e-4, atol=1e-12)
    assert (over_kinds(gates.layout, found) == found).all()
