"""The successor paper's weights of gates in the penalty."""

import numpy as np
import pytest
import torch

from finegates.gates.laws import GaussianLaw
from finegates.nn.attach import attach_gates, gated_linears
from finegates.nn.kurtosis import gate_weights, softmax_by_vector
from finegates.nn.penalty import PENALTIES, weigh_gates
from tests.toy_models import toy_inputs, toy_model


def gated_toy(model_type="bert", units=("matrices",)):
    model = toy_model(model_type)
    return model, attach_gates(model, GaussianLaw(), units=units)


def test_weights_are_the_softmax_of_the_papers_formula():
    model, gates = gated_toy()
    weights = gates.layout.split(gate_weights(model, gates, [toy_inputs()]).numpy())
    gated = next(gated_linears(model))
    seen = []
    hook = gated.register_forward_hook(lambda m, x, y: seen.append((x[0], y)))
    model(**toy_inputs())
    hook.remove()
    x, y = (t.detach().flatten(0, 1).double().numpy() for t in seen[0])

    def kurtosis(v):
        return (v**4).mean(0) / (v**2).mean(0) ** 2

    products = x[:, None, :] * gated.weight.detach().double().numpy()[None]
    for side, values in (("in", kurtosis(products.reshape(-1, 16))), ("out", kurtosis(y))):
        score = np.exp(-np.sqrt(values) / 100)
        expected = len(score) * score / score.sum()
        assert np.allclose(weights[f"{gated.matrix.name}.{side}"], expected, atol=1e-5)


def test_a_structures_score_is_the_mean_over_its_rows_and_columns():
    logs = []  # of weights: the scores, but for a constant
    for units in (("neurons",), ("matrices",)):
        model, gates = gated_toy("llama", units)
        weights = gate_weights(model, gates, [toy_inputs()])
        logs.append(gates.layout.split(weights.log().numpy()))
    found, of_rows = logs
    parts = [of_rows[f"1.{side}"] for side in ("gate.out", "up.out", "down.in")]
    difference = found["1.neurons.whole"] - np.mean(parts, axis=0)
    assert np.allclose(difference, difference.mean(), atol=1e-5)
    assert found["1.neurons.whole"].std() > 1e-3


@pytest.mark.parametrize("model_type", ["bert", "llama"])
@pytest.mark.parametrize("units", [("matrices",), ("structures", "sublayers")])
def test_weights_of_a_vector_have_a_mean_of_one_and_change_the_penalty(model_type, units):
    _, gates = gated_toy(model_type, units)
    scores = torch.randn(gates.layout.num_gates)
    weights = softmax_by_vector(gates.layout, scores)
    for part in gates.layout.split(weights.numpy()).values():
        assert np.isclose(part.mean(), 1, atol=1e-5)
    probability = 0.8 + 0.2 * torch.rand(gates.layout.num_gates)
    for name, make in PENALTIES.items():
        penalty = make(gates.layout).eval()
        before = penalty(probability, 0.3)
        weigh_gates(penalty, torch.ones_like(weights))
        assert torch.isclose(penalty(probability, 0.3), before), name
        weigh_gates(penalty, weights)
        assert not torch.isclose(penalty(probability, 0.3), before), name
