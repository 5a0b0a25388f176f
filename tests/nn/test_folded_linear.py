"""Gates folded into the weight: the same outputs and gradients as gates on activations."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import linear

from finegates.nn.folded_linear import folded_linear, folding_pays

ROWS, COLUMNS = 6, 5


def leaf(*shape, seed, low=-1.0, high=1.0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    values = torch.rand(*shape, generator=generator, dtype=dtype) * (high - low) + low
    return values.requires_grad_()


def gate(size, seed, closed):
    """Values in (0, 1], the first few exactly 0, behind the clip that closes them."""
    raw = leaf(size, seed=seed, low=0.05)
    with torch.no_grad():
        raw[:closed] = -0.3
    return raw, raw.clamp(0, 1)


@given(st.integers(0, 1000), st.integers(0, COLUMNS), st.integers(0, ROWS), st.booleans(),
       st.sampled_from(["both", "in", "out"]))  # fmt: skip
def test_outputs_and_gradients_are_those_of_gates_on_activations(seed, n_in, n_out, biased, sides):
    x = leaf(2, 7, COLUMNS, seed=seed)
    weight = leaf(ROWS, COLUMNS, seed=seed + 1).detach()
    bias = leaf(ROWS, seed=seed + 2) if biased else None
    raw_in, gate_in = gate(COLUMNS, seed + 3, n_in) if sides != "out" else (None, None)
    raw_out, gate_out = gate(ROWS, seed + 4, n_out) if sides != "in" else (None, None)
    leaves = [t for t in (x, bias, raw_in, raw_out) if t is not None]

    y = linear(x if gate_in is None else x * gate_in, weight, bias)
    expected = y if gate_out is None else y * gate_out
    actual = folded_linear(x, weight, bias, gate_in, gate_out)
    assert torch.allclose(actual, expected, atol=1e-12)
    toward = torch.randn(7, 2, ROWS, dtype=expected.dtype).transpose(0, 1)  # as attention's are
    wanted = torch.autograd.grad((expected * toward).sum(), leaves, retain_graph=True)
    given_ = torch.autograd.grad((actual * toward).sum(), leaves)
    for one, other in zip(given_, wanted, strict=True):
        assert torch.allclose(one, other, atol=1e-10)


def test_half_precision_adds_up_in_float32():
    tokens = 5000
    x = leaf(tokens, COLUMNS, seed=0, low=0.5, dtype=torch.float32)
    weight = leaf(ROWS, COLUMNS, seed=1, low=0.5, dtype=torch.float32).detach()
    gates = [torch.full((n,), 0.5, requires_grad=True) for n in (COLUMNS, ROWS)]
    y = folded_linear(x.to(torch.bfloat16), weight, None, *gates)
    assert y.dtype == torch.bfloat16
    y.float().sum().backward()
    exact = [g.detach().double().requires_grad_() for g in gates]
    (linear(x.detach().double() * exact[0], weight.double()) * exact[1]).sum().backward()
    for one, other in zip(gates, exact, strict=True):
        assert torch.allclose(one.grad.double(), other.grad, rtol=0.01)


def test_what_needs_no_gradient_gets_none():
    x = leaf(3, COLUMNS, seed=0).detach()
    weight, bias = leaf(ROWS, COLUMNS, seed=1).detach(), leaf(ROWS, seed=2)
    gates = leaf(COLUMNS, seed=3).detach(), leaf(ROWS, seed=4).detach()
    folded_linear(x, weight, bias, *gates).sum().backward()
    assert torch.allclose(bias.grad, 3 * gates[1]) and x.grad is None


@pytest.mark.parametrize(("tokens", "pays"), [(2, False), (3, True)])
def test_folding_pays_where_the_weight_is_smaller_than_the_activations(tokens, pays):
    assert folding_pays(tokens, torch.zeros(ROWS, COLUMNS)) == pays
