"""Claims about ETHER: peft's reflections are its formula."""

import torch
from peft.tuners.hra import HRALayer

from finegates.adapters import attach_adapter, merge_adapters
from finegates.spec import make_spec
from tests.toy_models import toy_model


def test_ether_multiplies_each_matrix_by_a_reflection_also_once_merged():
    model, base = toy_model("bert"), toy_model("bert")
    parameters = attach_adapter(model, make_spec({"method": "ether"}))
    layers = {name: m for name, m in model.named_modules() if isinstance(m, HRALayer)}
    assert len(layers) == len(parameters) == 4
    expected = {}
    for (name, layer), u in zip(layers.items(), parameters, strict=True):
        linear, x = base.get_submodule(name), torch.randn(3, 16)
        expected[name] = linear.weight @ (torch.eye(16) - 2 * u @ u.T / (u.T @ u))
        assert torch.allclose(layer(x), x @ expected[name].T + linear.bias, atol=1e-5)
        assert u.abs().max() <= 0.25  # 1 / sqrt(16)
    merge_adapters(model)
    for name, weight in expected.items():
        assert torch.allclose(model.get_submodule(name).weight, weight, atol=1e-5)
