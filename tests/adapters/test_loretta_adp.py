"""Claims about LoRETTA's adapters: what they compute and how they start."""

import torch
from torch import nn

from finegates.adapters.loretta_adp import LorettaAdapter


def test_it_adapts_the_output_of_its_linear():
    torch.manual_seed(0)
    layer, x = LorettaAdapter(nn.Linear(6, 16), width=8, rank=3), torch.randn(2, 5, 6)
    nn.init.normal_(layer.up.train_of_cores.cores[-1])
    nn.init.normal_(layer.up.bias)
    down, up = (
        torch.einsum("aib,bjc->ij", *half.train_of_cores.cores) for half in (layer.down, layer.up)
    )
    assert down.shape == (16, 8) and up.shape == (8, 16)
    z = layer.base_layer(x)
    between = (z @ down + layer.down.bias).clamp(min=0)
    assert torch.allclose(layer(x), z + between @ up + layer.up.bias, atol=1e-5)


def test_down_is_drawn_and_up_is_zero():
    torch.manual_seed(0)
    layer, x = LorettaAdapter(nn.Linear(6, 16), width=64, rank=5), torch.randn(3, 6)
    assert torch.equal(layer(x), layer.base_layer(x))
    bias = layer.down.bias.abs()
    assert 0.1 < bias.max() <= 64**-0.5 and not layer.up.bias.any()
