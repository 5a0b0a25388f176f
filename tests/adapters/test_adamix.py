"""Claims about AdaMix's adapters: what they compute and how they start."""

import pytest
import torch
from torch import nn
from torch.nn.functional import gelu

from finegates.adapters.adamix import AdaMixAdapter


def test_it_adapts_the_output_of_its_linear_by_the_mean_of_its_experts():
    torch.manual_seed(0)
    layer, x = AdaMixAdapter(nn.Linear(6, 8), width=4, num_experts=3).eval(), torch.randn(2, 5, 6)
    for parameter in (*layer.down.parameters(), *layer.up.parameters()):
        nn.init.normal_(parameter)
    z, experts = layer.base_layer(x), layer.down.linears
    d, a = sum(e.weight for e in experts) / 3, sum(e.bias for e in experts) / 3
    expected = z + gelu(z @ d.T + a) @ layer.up.weight.T + layer.up.bias
    assert torch.allclose(layer(x), expected, atol=1e-5)


def test_every_weight_is_drawn_on_its_own_and_biases_are_zero():
    torch.manual_seed(0)
    layer = AdaMixAdapter(nn.Linear(6, 64), width=16, num_experts=4)
    weights = [layer.up.weight, *(each.weight for each in layer.down.linears)]
    assert all(w.std().item() == pytest.approx(0.02, rel=0.1) for w in weights)
    assert len({w[0, 0].item() for w in weights}) == 5
    assert not any(half.bias.any() for half in (layer.up, *layer.down.linears))
