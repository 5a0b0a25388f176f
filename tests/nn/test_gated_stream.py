"""Gates on the dimensions of the residual stream."""

import copy

import numpy as np
import pytest
import torch

from finegates.gates.laws import LAWS, GaussianLaw
from finegates.nn.attach import attach_gates, detach_gates, gated_streams
from finegates.nn.gated_stream import norm_over_open
from finegates.nn.saving import load_gates, save_gates
from tests.toy_models import ENCODER_TYPES, toy_inputs, toy_model

EVERY_TYPE = pytest.mark.parametrize("model_type", [*ENCODER_TYPES, "electra with a projection"])
LABELS = torch.tensor([0, 1, 0])


def toy(model_type, **changes):
    if model_type not in ENCODER_TYPES:
        return toy_model("electra", embedding_size=8, **changes)
    return toy_model(model_type, **changes)


def gated(model_type="bert", units=("hidden",), seed=0):
    model = toy(model_type)
    gates = attach_gates(model, GaussianLaw(), units=units)
    means = np.random.default_rng(seed).uniform(-0.9, 0.9, gates.layout.num_gates)
    gates.set_means(means.astype(np.float32))
    return model, gates


@torch.no_grad()
def hidden_states(model):
    return model.base_model(**toy_inputs(), output_hidden_states=True).hidden_states


def by_hand(x, gate, norm):
    """The definition, one row at a time."""
    y = np.zeros_like(x)
    kept = np.flatnonzero(gate > 0)
    for place in np.ndindex(x.shape[:-1]) if len(kept) else ():
        row = x[place][kept]
        standard = (row - row.mean()) / np.sqrt(row.var() + norm.eps)
        weight, bias = (t.detach().numpy()[kept] for t in (norm.weight, norm.bias))
        y[place][kept] = gate[kept] * (weight * standard + bias)
    return y


@pytest.mark.parametrize("number", [0, 1, 2, 11, 16])
@pytest.mark.parametrize("eps", [1e-12, 1e-1])
def test_a_norm_over_open_dimensions_is_the_norm_of_them_alone(number, eps):
    rng = np.random.default_rng(number)
    norm = torch.nn.LayerNorm(16, eps=eps).double()
    for parameter in norm.parameters():
        torch.nn.init.normal_(parameter)
    gate = np.zeros(16)
    gate[rng.permutation(16)[:number]] = rng.uniform(0.1, 1, number)
    x = rng.normal(3, 2, (2, 5, 16))
    found = norm_over_open(torch.from_numpy(x), torch.from_numpy(gate), norm)
    assert np.allclose(found.detach().numpy(), by_hand(x, gate, norm), atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_with_every_gate_open_it_is_the_norm_itself_to_the_bit(dtype):
    norm, x = torch.nn.LayerNorm(16).to(dtype), torch.randn(4, 16, dtype=dtype)
    assert torch.equal(norm_over_open(x, torch.ones(16), norm), norm(x))


def test_its_gradients_are_those_of_the_definition():
    norm = torch.nn.LayerNorm(7).double()
    x = torch.randn(3, 7, dtype=torch.float64, requires_grad=True)
    gate = torch.tensor([0.5, 0, 1, 0.2, 0, 1, 0.9], dtype=torch.float64, requires_grad=True)
    step = 1e-6
    norm_over_open(x, gate, norm).square().sum().backward()
    assert x.grad is not None and gate.grad is not None
    assert (x.grad[:, gate == 0] == 0).all(), "closed dimensions have no say"
    for tensor, place in ((x, (1, 3)), (x, (2, 0)), (gate, (0,)), (gate, (3,))):
        values = []
        for sign in (1, -1):
            moved = tensor.detach().clone()
            moved[place] += sign * step
            given = (moved, gate) if tensor is x else (x, moved)
            values.append(float(norm_over_open(*given, norm).square().sum().detach()))
        slope = (values[0] - values[1]) / (2 * step)
        assert float(tensor.grad[place]) == pytest.approx(slope, rel=1e-5, abs=1e-7)


@EVERY_TYPE
@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_open_gates_leave_the_logits_as_they_are(model_type, law):
    model = toy(model_type)
    with torch.no_grad():
        before = model(**toy_inputs()).logits
        attach_gates(model, law, units=("hidden",))
        assert torch.allclose(model(**toy_inputs()).logits, before, atol=1e-6)


@EVERY_TYPE
def test_a_closed_dimension_is_zero_wherever_the_stream_is(model_type):
    model, gates = gated(model_type)
    closed = torch.from_numpy(~gates.open_of("all.hidden.whole"))
    states = hidden_states(model)
    assert 0 < closed.sum() < len(closed) and len(states) == 3
    for state in states:
        assert (state[..., closed] == 0).all() and (state[..., ~closed] != 0).any()


@EVERY_TYPE
def test_what_a_closed_dimension_would_hold_changes_nothing(model_type):
    """Rows, columns, embeddings and norms of closed dimensions, and the columns of the head."""
    model, gates = gated(model_type)
    closed = torch.from_numpy(~gates.open_of("all.hidden.whole"))
    with torch.no_grad():
        before = model(**toy_inputs()).logits
        for gated_stream in gated_streams(model).values():
            gated_stream.base_layer.weight[closed] = 7.0
            gated_stream.base_layer.bias[closed] = -3.0
        for name, parameter in model.named_parameters():
            if name.endswith(("query.weight", "q_lin.weight", "intermediate.dense.weight")):
                parameter[:, closed] = 5.0
            if name.endswith(("output.dense.bias", "out_lin.bias", "lin2.bias")):
                parameter[closed] = 9.0
        assert torch.allclose(model(**toy_inputs()).logits, before, atol=1e-6)


@EVERY_TYPE
def test_padding_changes_no_row(model_type):
    model, _ = gated(model_type)
    inputs = toy_inputs()
    length = int(inputs["attention_mask"][-1].sum())
    with torch.no_grad():
        padded = model(**inputs).logits[-1]
        alone = model(**{n: t[-1:, :length] for n, t in inputs.items()}).logits[0]
    assert torch.allclose(padded, alone, atol=1e-5)


@EVERY_TYPE
def test_detached_model_is_the_original_to_the_bit(model_type):
    model = toy(model_type)
    state = copy.deepcopy(model.state_dict())
    with torch.no_grad():
        before = model(**toy_inputs()).logits
        gates = attach_gates(model, units=("hidden", "heads", "neurons"))
        gates.set_means(np.linspace(-0.9, 0.9, gates.layout.num_gates))
        assert not torch.allclose(model(**toy_inputs()).logits, before, atol=1e-3)
        detach_gates(model)
        assert torch.equal(model(**toy_inputs()).logits, before)
    assert model.state_dict().keys() == state.keys() and not gated_streams(model)
    assert all(torch.equal(state[k], v) for k, v in model.state_dict().items())


@EVERY_TYPE
def test_gradients_reach_every_open_gate(model_type):
    model, gates = gated(model_type)
    gates.set_means(np.full(gates.layout.num_gates, 0.1))
    model.train()
    model(**toy_inputs(), labels=LABELS).loss.backward()
    assert gates.parameter.grad is not None and (gates.parameter.grad != 0).all()


def test_a_training_pass_draws_them_once_for_all_norms():
    model, gates = gated()
    draws = []
    gates.register_forward_hook(lambda *_: draws.append(1))
    model.train()
    closed = [(state == 0).all(dim=1).all(dim=0) for state in hidden_states(model)]
    assert len(draws) == 1 and closed[0].any()
    assert all(torch.equal(one, closed[0]) for one in closed)


@pytest.mark.parametrize("units", [("hidden",), ("hidden", "heads", "neurons")])
def test_saved_gates_are_loaded_onto_the_pretrained_model(units, tmp_path):
    model, gates = gated(units=units)
    save_gates(model, tmp_path)
    other = toy("bert")
    loaded = load_gates(other, tmp_path)
    assert loaded.layout == gates.layout
    with torch.no_grad():
        assert torch.equal(other(**toy_inputs()).logits, model(**toy_inputs()).logits)


def test_half_precision_by_autocast_stays_near():
    model, _ = gated()
    with torch.no_grad():
        exact = model(**toy_inputs()).logits
        with torch.autocast("cpu", torch.bfloat16):
            rough = model(**toy_inputs()).logits.float()
    assert torch.allclose(rough, exact, atol=0.1)
