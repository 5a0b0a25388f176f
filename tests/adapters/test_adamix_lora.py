"""Claims about AdaMix's LoRA form: which factor is averaged, and how it starts."""

import pytest
import torch
from torch import nn

from finegates.adapters.adamix_lora import AdaMixLora


@pytest.fixture
def layer():
    torch.manual_seed(0)
    return AdaMixLora(nn.Linear(24, 16), rank=4, alpha=12.0, num_experts=3).eval()


def test_evaluation_averages_the_factors(layer):
    x = torch.randn(2, 5, 24)
    assert torch.equal(layer(x), layer.base_layer(x))
    nn.init.normal_(layer.b.weight)
    a = sum(each.weight for each in layer.a.linears) / 3
    expected = layer.base_layer(x) + 3 * x @ a.T @ layer.b.weight.T
    assert torch.allclose(layer(x), expected, atol=1e-5)


def test_every_a_starts_as_loras(layer):
    weights = [each.weight.detach() for each in layer.a.linears]
    bound = 24**-0.5  # Kaiming uniform with a = sqrt(5)
    assert all(0.8 * bound < w.abs().max() <= bound for w in weights)
    assert not torch.equal(weights[0], weights[1])
