"""The official law and penalty (arXiv 2412.12951, commit 5ab6421 of its code) from its formulas."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from finegates.gates.laws import TanhGaussianLaw
from finegates.methods import METHODS
from finegates.models.architectures import layout_of_config
from finegates.nn.gated_linear import GatedLinear
from finegates.nn.gates import Gates
from finegates.nn.penalty import PENALTIES

OFFICIAL = METHODS["finegates-official"].settings
NUM_DRAWS = 100_000
CONFIG = {
    "model_type": "bert", "hidden_size": 8, "intermediate_size": 12,
    "num_hidden_layers": 2, "num_attention_heads": 2,
}  # fmt: skip


def new_gates(seed: int) -> Gates:
    return Gates(
        layout_of_config(CONFIG), TanhGaussianLaw(), torch.Generator().manual_seed(seed)
    ).double()


def phi(x: np.ndarray) -> np.ndarray:
    return np.array([0.5 + 0.5 * math.erf(v / math.sqrt(2)) for v in x])


def test_the_recipe_has_the_official_constants():
    law = TanhGaussianLaw()
    assert OFFICIAL["gate_law"] == law.name and OFFICIAL["penalty"] == "abs"
    assert (law.sampling_sigma, law.penalty_sigma, law.initial_parameter) == (0.1, 0.5, (1.0, 0.1))
    assert OFFICIAL["penalty_weight"] == 50 and OFFICIAL["batch_size"] == 16
    assert OFFICIAL["gate_learning_rate"] == OFFICIAL["learning_rate"] == 1e-3


@given(st.integers(0, 10_000), st.floats(0, 0.9))
def test_probability_open_and_penalty_are_the_formulas(seed, target):
    gates = new_gates(seed)
    logits = gates.parameter.detach().numpy() * 3 - 2
    gates.parameter.data = torch.from_numpy(logits)
    expected = phi((np.tanh(logits) + 0.5) / 0.5)
    probability = gates.law.probability_open(gates.mean)
    assert np.allclose(probability.detach().numpy(), expected, atol=1e-6)
    parts = gates.layout.split(expected)
    by_matrix = [
        0.5 * sum(abs(parts[f"{m.name}.{side}"].mean() - (1 - target)) for side in ("in", "out"))
        for m in gates.layout.matrices
    ]
    penalty = PENALTIES["abs"](gates.layout).double()(probability, target)
    assert float(penalty.detach()) == pytest.approx(np.mean(by_matrix), abs=1e-6)


@given(st.integers(0, 10_000))
def test_forward_is_equation_7_in_training_and_in_evaluation(seed):
    gates = new_gates(seed)
    gates.parameter.data = gates.parameter.data * 3 - 3
    matrix = gates.layout.matrices[4]
    linear = GatedLinear(nn.Linear(matrix.in_features, matrix.out_features), matrix, gates).double()
    x = torch.randn(5, matrix.in_features, dtype=torch.float64)
    mu = gates.layout.split(np.tanh(gates.parameter.detach().numpy()))
    for training in (True, False):
        gates.train(training)
        gates.forget_draw()
        torch.manual_seed(seed)
        y = linear(x).detach().numpy()
        torch.manual_seed(seed)
        eps = gates.layout.split(torch.randn_like(gates.parameter).numpy() * (0.1 * training))
        z_in, z_out = (
            np.clip(mu[f"{matrix.name}.{s}"] + 0.5 + eps[f"{matrix.name}.{s}"], 0, 1)
            for s in ("in", "out")
        )
        weight, bias = (p.detach().numpy() for p in (linear.weight, linear.bias))
        expected = z_out * ((z_in * x.numpy()) @ weight.T + bias)
        assert np.allclose(y, expected, atol=1e-6)


@pytest.mark.parametrize("mu", [-0.62, -0.5, -0.44, -0.3])
def test_gates_are_open_as_often_as_the_formula_says(mu):
    law = TanhGaussianLaw()
    torch.manual_seed(0)
    drawn = law.sample(torch.full((NUM_DRAWS,), mu), torch.randn(NUM_DRAWS))
    expected = phi(np.array([(mu + 0.5) / 0.1]))[0]
    deviation = math.sqrt(max(expected * (1 - expected), 1e-4) / NUM_DRAWS)
    assert float((drawn > 0).float().mean()) == pytest.approx(expected, abs=4 * deviation)
