"""torch.compile changes nothing but the speed."""

import pytest
import torch
from torch._dynamo.utils import counters
from torch._inductor import config as inductor

from finegates.gates.cuts import Cut
from finegates.gates.laws import make_law
from finegates.measuring.candidates import DENSE, MASKED, SHRUNK, attach_random_gates, candidates
from finegates.nn.attach import attach_gates
from tests.toy_models import toy_inputs, toy_model


@pytest.fixture(autouse=True)
def fresh():
    torch.compiler.reset()
    counters.clear()
    with inductor.patch(fallback_random=True):  # else it draws gates of its own
        yield
    torch.compiler.reset()


@pytest.fixture
def compiled(on_gpu):
    """Compiles; on the CPU all but the last stage, which needs a compiler that may be missing."""
    return lambda model: torch.compile(model, backend="inductor" if on_gpu else "aot_eager")


@pytest.mark.parametrize("form", [DENSE, MASKED, SHRUNK])
@torch.no_grad()
def test_compiled_logits_are_the_same(form, device, compiled):
    model = toy_model()
    attach_random_gates(model)
    there = candidates(model, Cut(remove=0.4), device).models[form]
    inputs = {name: value.to(device) for name, value in toy_inputs(4, 16).items()}
    wanted = there(**inputs).logits
    got = compiled(there)(**inputs).logits
    assert torch.allclose(got, wanted, atol=1e-4 * float(wanted.abs().max()))
    assert counters["stats"]["unique_graphs"] == 1 and not counters["graph_break"]


@pytest.mark.parametrize("rank", [0, 4])
def test_compiled_training_has_the_same_gradients(rank, device, compiled):
    model = toy_model().to(device)
    attach_gates(model, make_law("gaussian", 0.1), lora_rank=rank)
    model.train()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    inputs = {name: value.to(device) for name, value in toy_inputs(16, 16).items()}
    labels = torch.arange(16, device=device) % 2

    def gradients(run):
        torch.manual_seed(1)
        model.zero_grad()
        run(**inputs, labels=labels).loss.backward()
        return {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}

    wanted, got = gradients(model), gradients(compiled(model))
    assert wanted.keys() == got.keys() and "finegates.parameter" in got
    largest = max(float(gradient.abs().max()) for gradient in wanted.values())
    for name, gradient in got.items():
        # A key's bias, which softmax cancels, has rounding alone for a gradient.
        scale = max(float(wanted[name].abs().max()), 1e-2 * largest)
        assert torch.allclose(gradient, wanted[name], atol=1e-3 * scale), name
    assert not counters["graph_break"]
