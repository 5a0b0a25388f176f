"""A training step does on a device what it does on the CPU."""

import numpy as np
import pytest
import torch
from torch.nn.functional import linear

from finegates.nn.attach import gated_linears
from finegates.nn.folded_linear import folded_linear
from finegates.training.loop import train_step
from finegates.training.session import Session
from tests.gpu.sessions import first_batch, open_on

METHODS = ("finegates", "finegates+lora", "finegates-hinge", "lora", "full")
SETTINGS = {"target_sparsity": 0.4, "target_delay_fraction": 0.0, "target_warmup_fraction": 0.5}


def opened(device, model, method, **settings) -> Session:
    """With gates closed, open and between."""
    settings |= SETTINGS if method.startswith("finegates") else {}
    session = open_on(device, model, method=method, **settings)
    if session.gates:
        count = session.gates.layout.num_gates
        session.gates.set_means(np.random.default_rng(0).uniform(-0.7, 0.6, count))
    return session


def trained(session):
    """Name -> parameter of all that is trained, but keys' biases.

    Softmax cancels those, so that their gradients are rounding alone, and differ anywhere.
    """
    model = session.accelerator.unwrap_model(session.model)
    named = {name: p for name, p in model.named_parameters() if p.requires_grad}
    return {n: p for n, p in named.items() if not (".key." in n and n.endswith(".bias"))}


def near(one, other, tolerance):
    scale = float(other.detach().float().abs().max()) or 1.0
    return (
        float((one.detach().cpu().float() - other.detach().float()).abs().max()) / scale < tolerance
    )


@pytest.mark.parametrize("method", METHODS)
def test_losses_and_gradients_are_the_cpus(method, device, toy_model_dir, same_noise):
    losses, grads = [], []
    for where in ("cpu", device):  # in turns: a process has one device to accelerate
        session = opened(where, toy_model_dir, method)
        session.model.train()
        torch.manual_seed(3)
        loss = session.model(**first_batch(session)).loss
        if session.gates is not None and session.penalty is not None:
            gates = session.gates
            loss = loss + session.penalty(gates.law.probability_open(gates.mean), 0.3)
        session.accelerator.backward(loss)
        losses.append(loss)
        grads.append({name: parameter.grad for name, parameter in trained(session).items()})
    assert near(losses[1], losses[0], 1e-5)
    for name, gradient in grads[1].items():
        assert near(gradient, grads[0][name], 1e-3), name


@pytest.mark.parametrize("method", METHODS)
def test_one_optimizer_step_is_the_cpus(method, device, toy_model_dir, same_noise):
    losses, moved = [], []
    for where in ("cpu", device):  # in turns: a process has one device to accelerate
        session = opened(where, toy_model_dir, method)
        before = {name: p.detach().clone() for name, p in trained(session).items()}
        losses.append(train_step(session, first_batch(session), 5))
        moved.append({n: (p.detach() - before[n]).cpu() for n, p in trained(session).items()})
    for name, value in losses[0].items():
        assert near(losses[1][name], value, 1e-4), name
    for name, change in moved[1].items():
        # AdamW's first step is the sign of the gradient: only a gradient of nearly 0 may differ.
        alike = torch.isclose(change, moved[0][name], rtol=1e-2, atol=1e-7).float().mean()
        assert alike > 0.99, (name, float(alike))


def test_gates_are_drawn_on_the_device_from_their_own_generator(device, toy_model_dir):
    session = open_on(device, toy_model_dir, method="finegates", gate_sampling_sigma=0.1)
    gates = session.gates
    gates.set_means(np.zeros(gates.layout.num_gates))
    gates.train()
    gates.generator = torch.Generator(device)
    draws = []
    for seed in (3, 3, 4):
        gates.generator.manual_seed(seed)
        torch.manual_seed(seed + 7 * len(draws))  # which they do not look at
        draws.append(gates().detach())
    assert draws[0].device.type == torch.device(device).type
    assert torch.equal(draws[0], draws[1]) and not torch.equal(draws[0], draws[2])
    deviations = draws[0].float().cpu() - 0.5
    assert abs(float(deviations.mean())) < 0.02 and abs(float(deviations.std()) - 0.1) < 0.01


def test_a_seed_and_a_step_give_the_same_gates_again(device, toy_model_dir):
    session = open_on(device, toy_model_dir, method="finegates", gate_sampling_sigma=0.1)
    batch = first_batch(session)
    draws = []
    for _ in range(2):
        torch.manual_seed(11)
        session.model.train()
        session.model(**batch)
        draws.append(session.gates.part(0).detach().clone())
    assert torch.equal(*draws)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.bfloat16, 2e-2)])
def test_the_folded_backward_is_that_of_gates_on_activations(dtype, tolerance, device):
    generator = torch.Generator().manual_seed(0)
    rows, columns, tokens = 24, 40, 256

    def leaf(*shape, low=-1.0):
        values = torch.rand(*shape, generator=generator, dtype=torch.float64) * (1 - low) + low
        return values.requires_grad_()

    x, bias, gate_in, gate_out = (
        leaf(tokens, columns),
        leaf(rows),
        leaf(columns, low=0.1),
        leaf(rows, low=0.1),
    )
    weight, toward = leaf(rows, columns).detach(), leaf(tokens, rows).detach()
    exact = [x, bias, gate_in, gate_out]
    (linear(x * gate_in, weight, bias) * gate_out * toward).sum().backward()
    kinds = (dtype, torch.float32, torch.float32, torch.float32)
    mine = [
        t.detach().to(device, kind).requires_grad_() for t, kind in zip(exact, kinds, strict=True)
    ]
    y = folded_linear(mine[0], weight.to(device, torch.float32), *mine[1:])
    assert y.dtype == dtype
    (y.float() * toward.to(device, torch.float32)).sum().backward()
    for one, other in zip(mine, exact, strict=True):
        assert near(one.grad, other.grad, tolerance)


def test_bf16_computes_products_in_bf16_and_keeps_gates_in_float32(
    device, toy_model_dir, same_noise
):
    full = opened(device, toy_model_dir, "finegates+lora")
    half = opened(device, toy_model_dir, "finegates+lora", precision="bf16")
    seen = []
    model = half.accelerator.unwrap_model(half.model)
    for gated in gated_linears(model):
        gated.register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    losses = [train_step(session, first_batch(session), 5) for session in (full, half)]
    assert set(seen) == {torch.bfloat16}
    assert all(p.dtype == torch.float32 for p in model.parameters())
    assert near(losses[1]["task_loss"], losses[0]["task_loss"].cpu(), 0.02)
