"""Penalties against the formulas, written out plainly."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from finegates.gates.counting import parameters_counted, products_counted
from finegates.gates.laws import TanhGaussianLaw
from finegates.gates.removal import counted_removal, removal
from finegates.gates.units import UNITS
from finegates.models.architectures import layout_of_config
from finegates.nn.penalty import AbsPenalty, BudgetPenalty, ExpectedRemoval, HingePenalty

CONFIG = {
    "model_type": "bert", "hidden_size": 8, "intermediate_size": 12,
    "num_hidden_layers": 2, "num_attention_heads": 2,
}  # fmt: skip
SIDES = pytest.mark.parametrize("sides", ["both", "in", "out"])


def random_probabilities(layout, seed):
    return torch.rand(layout.num_gates, generator=torch.Generator().manual_seed(seed))


def open_fractions(layout, probabilities):
    """Matrix -> {side: mean}, by plain loops."""
    fractions = {}
    for side in layout.sides:
        part = probabilities[side.slice]
        fractions.setdefault(side.matrix, {})[side.side] = float(part.mean())
    return fractions


@given(st.integers(0, 1000), st.floats(0, 0.9))
def test_abs_penalty_is_the_official_one(seed, target):
    layout = layout_of_config(CONFIG)
    probabilities = random_probabilities(layout, seed)
    gaps = [
        0.5 * (abs(f["in"] - (1 - target)) + abs(f["out"] - (1 - target)))
        for f in open_fractions(layout, probabilities).values()
    ]
    assert float(AbsPenalty(layout)(probabilities, target)) == pytest.approx(
        np.mean(gaps), abs=1e-6
    )


@given(st.integers(0, 1000), st.floats(0, 0.9))
def test_hinge_penalty_stops_pushing_below_the_target(seed, target):
    layout = layout_of_config(CONFIG)
    probabilities = random_probabilities(layout, seed)
    fractions = open_fractions(layout, probabilities)
    expected = np.mean([max(f[s], 1 - target) for f in fractions.values() for s in ("in", "out")])
    assert float(HingePenalty(layout)(probabilities, target)) == pytest.approx(expected, abs=1e-6)


@SIDES
@settings(max_examples=20)
@given(seed=st.integers(0, 1000))
def test_expected_removal_multiplies_open_inputs_and_outputs(sides, seed):
    layout = layout_of_config(CONFIG, sides=sides)
    probabilities = random_probabilities(layout, seed)
    kept = sum(
        matrix.num_weights * f.get("in", 1) * f.get("out", 1)
        for matrix, f in open_fractions(layout, probabilities).items()
    )
    expected = 1 - kept / layout.num_gated_weights
    assert float(ExpectedRemoval(layout)(probabilities)) == pytest.approx(expected, abs=1e-5)


def test_the_official_target_is_met_by_gates_that_are_all_open():
    """Section 4 of docs/method.md: at mean -0.373 every gate is open, yet the penalty is 0."""
    layout, law = layout_of_config(CONFIG), TanhGaussianLaw()
    means = torch.full((layout.num_gates,), -0.37333)
    assert float(AbsPenalty(layout)(law.probability_open(means), 0.4)) == pytest.approx(0, abs=1e-4)
    assert float(law.value(means).min()) > 0.12


def test_budget_pushes_down_above_and_up_below_its_target():
    layout = layout_of_config(CONFIG)
    for level, direction in ((0.9, 1), (0.2, -1)):
        penalty = BudgetPenalty(layout)
        probabilities = torch.full((layout.num_gates,), level, requires_grad=True)
        penalty(probabilities, 0.5).backward()
        assert (torch.sign(probabilities.grad) == direction).all()


def test_budget_reaches_its_target_without_a_task():
    layout = layout_of_config(CONFIG)
    penalty, law = BudgetPenalty(layout), TanhGaussianLaw()
    parameter = torch.full((layout.num_gates,), 1.0, requires_grad=True)
    optimizer = torch.optim.Adam([parameter], lr=0.02)
    for _ in range(600):
        loss = penalty(law.probability_open(law.mean(parameter)), 0.4)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    expected = penalty.expected_removal(law.probability_open(law.mean(parameter)))
    assert float(expected.detach()) == pytest.approx(0.4, abs=0.01)


@pytest.mark.parametrize("units", [*[(unit,) for unit in UNITS], UNITS])
def test_of_certain_gates_the_expected_removal_is_what_is_counted(units):
    layout = layout_of_config(CONFIG, units=units)
    for seed, share in enumerate((0.0, 0.2, 0.7, 1.0)):
        closed = np.random.default_rng(seed).uniform(size=layout.num_gates) < share
        expected = ExpectedRemoval(layout)(torch.from_numpy(~closed).float())
        counted = removal(layout, closed).removed_weights_fraction
        assert float(expected) == pytest.approx(counted, abs=1e-6)


@pytest.mark.parametrize("units", [("heads", "neurons"), ("hidden", "neurons")])
@pytest.mark.parametrize("counts", ["parameters", "products"])
def test_it_is_what_is_counted_of_something_else_than_weights_too(units, counts):
    layout = layout_of_config(CONFIG, units=units)
    counting = {
        "parameters": parameters_counted(layout, 5000, 3000, 400),
        "products": products_counted(layout, 9),
    }[counts]  # fmt: skip
    for seed, share in enumerate((0.0, 0.4, 1.0)):
        closed = np.random.default_rng(seed).uniform(size=layout.num_gates) < share
        expected = ExpectedRemoval(layout, counting)(torch.from_numpy(~closed).float())
        assert float(expected) == pytest.approx(counted_removal(layout, closed, counting), abs=1e-6)


def test_the_expected_removal_of_structures_is_the_mean_over_draws():
    layout = layout_of_config(CONFIG, units=UNITS)
    probabilities = random_probabilities(layout, 0) ** 0.2
    rng = np.random.default_rng(0)
    draws = [
        removal(layout, rng.uniform(size=layout.num_gates) > probabilities.numpy())
        for _ in range(3000)
    ]
    mean = np.mean([draw.removed_weights_fraction for draw in draws])
    assert float(ExpectedRemoval(layout)(probabilities)) == pytest.approx(mean, abs=0.005)
