"""Weight times gradient of all that goes with a gate, against the formula by hand."""

import numpy as np
import pytest
import torch

from finegates.gates.units import MATRICES
from finegates.nn.attach import attach_gates, gated_linears
from finegates.nn.importance import importances, lora_importances
from finegates.nn.magnitude import hold_open
from finegates.nn.sensitivity import weights_of_gates
from tests.toy_models import toy_inputs, toy_model

SCALE = 16 / 2


def batch(rows):
    return toy_inputs(rows) | {"labels": torch.tensor([0, 1, 1, 0][:rows])}


BATCHES = [batch(3), batch(4)]


def gated(model_type, units):
    """A model with open gates and an update that has moved, in double precision."""
    model = toy_model(model_type)
    torch.manual_seed(1)
    gates = attach_gates(model, units=units, lora_rank=2)
    for layer in gated_linears(model):
        torch.nn.init.normal_(layer.low_rank.b, std=0.1)
    hold_open(gates)
    return model, gates


def mean_gradients(model, *parameters):
    """Of the loss over the batches, by plain backward passes."""
    for parameter in parameters:
        parameter.requires_grad_(True).grad = None
    for given in BATCHES:
        (model.eval()(**given).loss / len(BATCHES)).backward()
    return [parameter.grad for parameter in parameters]


def matrices(model):
    return {layer.matrix.name: layer for layer in gated_linears(model)}


@pytest.mark.parametrize(
    ("model_type", "up"), [("bert", ["intermediate"]), ("llama", ["gate", "up"])]
)
def test_importance_is_the_sum_over_a_neurons_and_a_heads_elements(model_type, up):
    model, gates = gated(model_type, ("neurons", "heads"))
    found = gates.layout.split(importances(model, gates, BATCHES) * weights_of_gates(gates.layout))
    layers = matrices(model)
    size = {}
    for name, layer in layers.items():
        (gradient,) = mean_gradients(model, layer.weight)
        merged = layer.weight + SCALE * layer.low_rank.b @ layer.low_rank.a
        size[name] = (merged * gradient).abs().detach()
    down = "1.output" if model_type == "bert" else "1.down"
    neurons = sum(size[f"1.{role}"].sum(1) for role in up) + size[down].sum(0)
    assert np.allclose(found["1.neurons.whole"], neurons, rtol=1e-4)
    groups = len(found["1.heads.whole"])
    heads = size["1.o"].sum(0).view(groups, -1).sum(1)
    heads += sum(size[f"1.{role}"].sum(1).view(groups, -1).sum(1) for role in ("q", "k", "v"))
    assert np.allclose(found["1.heads.whole"], heads, rtol=1e-4)


def test_lora_importance_is_loraprunes_over_the_mean_of_a_vector():
    model, gates = gated("bert", ("neurons", "heads"))
    found = gates.layout.split(lora_importances(model, gates, BATCHES))["0.heads.whole"]
    layers, total = matrices(model), 0
    for role in ("q", "k", "v", "o"):
        layer = layers[f"0.{role}"]
        a, b = layer.low_rank.a, layer.low_rank.b
        d_a, d_b = mean_gradients(model, a, b)
        gradient = d_b @ a + b @ d_a - d_b @ d_a
        size = (gradient * (layer.weight + SCALE * b @ a)).abs().detach()
        of_heads = (size.sum(0) if role == "o" else size.sum(1)).view(4, -1).sum(1)
        total = total + of_heads / of_heads.norm()
    assert np.allclose(found, total / total.mean(), rtol=1e-4)


@pytest.mark.parametrize("order", [importances, lora_importances])
@pytest.mark.parametrize("units", [(MATRICES,), ("hidden", "heads", "sublayers")])
def test_every_gate_has_a_score_and_the_model_is_as_before(order, units):
    model, gates = gated("bert", units)
    model.train()
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    found = order(model, gates, BATCHES)
    assert found.shape == (gates.layout.num_gates,) and (found > 0).mean() > 0.99
    assert model.training
    assert trained == {name for name, p in model.named_parameters() if p.requires_grad}
    assert all(p.grad is None for p in model.parameters())
