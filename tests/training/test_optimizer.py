"""AdamW in one pass over the weights is AdamW."""

import torch
from torch.optim import AdamW

from finegates.nn.attach import attach_gates
from finegates.training.optimizer import make_optimizer
from tests.toy_models import toy_model


def trained(optimizer_of) -> dict[str, torch.Tensor]:
    """All weights after a few steps on the same gradients."""
    model = toy_model()
    attach_gates(model)
    optimizer = optimizer_of(model)
    generator = torch.Generator().manual_seed(0)
    for _ in range(5):
        for parameter in model.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        optimizer.step()
    return {name: value.detach().clone() for name, value in model.named_parameters()}


def usual(model) -> AdamW:
    groups = make_optimizer(model).param_groups
    kept = ("params", "lr", "weight_decay")
    return AdamW([{k: group[k] for k in kept} for group in groups], fused=False, foreach=False)


def test_weights_after_some_steps_are_those_of_the_usual_adamw():
    ours, wanted = trained(make_optimizer), trained(usual)
    before = toy_model().state_dict()
    assert any(not torch.equal(before[name], ours[name]) for name in before.keys() & ours.keys())
    for name, value in wanted.items():
        torch.testing.assert_close(ours[name], value, rtol=1e-5, atol=1e-7)
