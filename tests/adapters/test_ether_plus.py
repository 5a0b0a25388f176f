"""Claims about ETHER+: it begins as the identity and is its formula, on both sides."""

import torch
from torch import nn

from finegates.adapters.ether_plus import EtherPlus, transformed


def trained(bias=True):
    torch.manual_seed(0)
    layer = EtherPlus(nn.Linear(12, 8, bias=bias))
    with torch.no_grad():
        for vector in layer.vectors:
            vector += torch.randn(vector.shape)
    return layer


def matrix(u, v):
    return torch.eye(len(u)) - torch.outer(u, u) / (u @ u) + torch.outer(v, v) / (v @ v)


def test_opposite_vectors_are_the_identity_to_the_last_bit():
    torch.manual_seed(0)
    x, u = 100 * torch.randn(5, 7, 12), torch.randn(12)
    assert torch.equal(transformed(x, u, -u), x)
    layer = EtherPlus(nn.Linear(12, 8))
    assert torch.equal(layer.v_in, -layer.u_in) and torch.equal(layer.v_out, -layer.u_out)
    assert layer.u_in.abs().max() <= 12**-0.5 and not layer.weight_change().any()


def test_ether_plus_is_its_formula_and_the_bias_is_not_transformed():
    layer, x = trained(), torch.randn(2, 5, 12)
    into, out_of = matrix(layer.u_in, layer.v_in), matrix(layer.u_out, layer.v_out)
    weight = out_of @ layer.weight @ into
    assert torch.allclose(layer(x), x @ weight.T + layer.bias, atol=1e-5)
    assert torch.allclose(layer.weight_change(), weight - layer.weight, atol=1e-5)
    merged = layer.merged()
    assert torch.allclose(merged.weight, weight, atol=1e-5)
    assert torch.equal(merged.bias, layer.bias)


def test_ether_plus_keeps_the_precision_of_its_linear():
    layer, x = trained(bias=False), torch.randn(2, 12)
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(x)
        assert y.dtype == layer.base_layer(x).dtype == torch.bfloat16
        y.sum().backward()
    assert layer.u_in.grad.dtype == torch.float32 and layer.u_in.grad.any()
