"""Claims about LoRETTA's update: LoRA with two tensor trains."""

import torch
from torch import nn

from finegates.adapters.loretta_rep import LorettaUpdate


def test_it_computes_its_formula_from_a_start_at_zero():
    torch.manual_seed(0)
    layer = LorettaUpdate(nn.Linear(24, 16), lora_rank=4, alpha=12.0, rank=3)
    x = torch.randn(2, 5, 24)
    assert torch.equal(layer(x), layer.base_layer(x))
    nn.init.normal_(layer.b.cores[-1])
    a = torch.einsum("aib,bjc,ckd->ijk", *layer.a.cores).reshape(24, 4)
    b = torch.einsum("aib,bjc->ij", *layer.b.cores)
    assert torch.allclose(layer(x), layer.base_layer(x) + 3 * x @ a @ b, atol=1e-5)
    assert torch.allclose(layer.weight_change(), 3 * (a @ b).T, atol=1e-6)
