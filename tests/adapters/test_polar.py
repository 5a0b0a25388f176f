"""Claims about PoLAR: its formula, and the landing field that keeps its factors orthonormal."""

import pytest
import torch
from torch import nn
from torch.optim import AdamW

from finegates.adapters import Moment, adapter_of, attach_adapter
from finegates.adapters.polar import Polar, landing_field
from finegates.errors import ModelError
from finegates.spec import make_spec
from tests.toy_models import toy_inputs, toy_model


def off(factor):
    """How far the columns of a factor are from orthonormal ones."""
    return (factor.T @ factor - torch.eye(factor.shape[1])).norm().item()


def test_polar_is_its_formula_between_orthonormal_factors():
    torch.manual_seed(0)
    layer, x = Polar(nn.Linear(12, 9), rank=3, alpha=6.0), torch.randn(2, 5, 12)
    assert off(layer.a.T) < 1e-5 and off(layer.b) < 1e-5
    assert not layer.s.any() and torch.equal(layer(x), layer.base_layer(x))
    nn.init.normal_(layer.s)
    change = 2 * layer.b @ layer.s @ layer.a
    assert torch.allclose(layer(x), layer.base_layer(x) + x @ change.T, atol=1e-5)
    assert torch.allclose(layer.merged().weight, layer.weight + change, atol=1e-5)


def test_the_landing_field_is_its_formula_of_large_matrices():
    p, g = torch.randn(2, 20, 4, generator=torch.Generator().manual_seed(0))
    expected = (g @ p.T - p @ g.T) @ p + 0.3 * p @ (p.T @ p - torch.eye(4))
    assert torch.allclose(landing_field(p, g, 0.3), expected, atol=1e-4)


def test_the_hook_lands_both_factors_and_leaves_the_middle():
    model, spec = toy_model(), make_spec({"method": "polar", "lora_rank": 3, "polar_penalty": 0.5})
    attach_adapter(model, spec)
    hooks = adapter_of(spec).hooks(model, spec)
    layer = next(m for m in model.modules() if isinstance(m, Polar))
    nn.init.normal_(layer.s)
    model(**toy_inputs(), labels=torch.tensor([0, 1, 0])).loss.backward()
    before = [p.grad.clone() for p in (layer.a, layer.s, layer.b)]
    hooks.after_backward(Moment(1, 10))
    assert torch.equal(layer.s.grad, before[1])
    for gradient, p, g in (
        (layer.b.grad, layer.b, before[2]),
        (layer.a.grad.T, layer.a.T, before[0].T),
    ):
        expected = (g @ p.T - p @ g.T) @ p + 0.5 * p @ (p.T @ p - torch.eye(3))
        assert torch.allclose(gradient, expected, atol=1e-5)


def drift(landing, steps=40):
    """How far factors are from orthonormal after some steps of a fit of random outputs."""
    torch.manual_seed(0)
    layer = Polar(nn.Linear(24, 20), rank=4, alpha=4.0)
    factors = (layer.a, layer.s, layer.b)
    optimizer = AdamW(factors, lr=5e-3, weight_decay=0.0)
    x, target = torch.randn(64, 24), torch.randn(64, 20)
    spec = make_spec({"method": "polar"})
    hooks = adapter_of(spec).hooks(layer, spec)
    for step in range(steps):
        optimizer.zero_grad()
        (layer(x) - target).square().mean().backward()
        if landing:
            hooks.after_backward(Moment(step + 1, steps))
        optimizer.step()
    return off(layer.a.T) + off(layer.b)


def test_landing_keeps_factors_near_orthonormal_where_plain_steps_drift():
    held, plain = drift(landing=True), drift(landing=False)
    assert held < 0.2 and plain > 3 * held, (held, plain)


def test_a_rank_that_fills_a_side_is_refused():
    with pytest.raises(ModelError, match="lora_rank is 16.* at most 15"):
        attach_adapter(toy_model(), make_spec({"method": "polar", "lora_rank": 16}))
