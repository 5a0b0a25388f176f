"""Claims about dynamic subset tuning: what differs from the seed after a step, and its state."""

from copy import deepcopy

import pytest
import torch
from torch.optim import AdamW

from finegates.adapters import Moment, attach_adapter
from finegates.adapters.dynamic_subset import SubsetHooks, SubsetLinear
from finegates.spec import make_spec
from finegates.training.adapt import adapt
from tests.toy_models import toy_inputs, toy_model

DENSITY = 0.05
COUNTS = {16 * 16: 13, 16 * 32: 26}  # 12.8 and 25.6


def subset():
    """A toy model, its layers, its hooks and an optimizer."""
    model = toy_model()
    spec = make_spec({"method": "dynamic-subset", "sparta_density": DENSITY})
    parameters = attach_adapter(model, spec)
    layers = [m for m in model.modules() if isinstance(m, SubsetLinear)]
    return model, layers, SubsetHooks(model, spec), AdamW(parameters, lr=1e-2, weight_decay=0.0)


def steps(model, hooks, optimizer, first, last):
    """Some steps, each on a batch of its own."""
    for step in range(first, last + 1):
        inputs = toy_inputs(rows=step + 1)
        labels = torch.arange(step + 1) % 2
        optimizer.zero_grad()
        model(**inputs, labels=labels).loss.backward()
        optimizer.step()
        hooks.after_step(Moment(step, 10))
        yield step


def test_after_each_step_exactly_k_entries_of_each_matrix_differ_from_the_seed():
    model, layers, hooks, optimizer = subset()
    seeds = [layer.weight.detach().clone() for layer in layers]
    kept = set()
    for _ in steps(model, hooks, optimizer, 1, 6):
        for layer, seed in zip(layers, seeds, strict=True):
            assert torch.equal(layer.weight, seed)
            changed = layer.merged().weight != seed
            assert int(changed.sum()) == COUNTS[seed.numel()]
        kept.add(tuple(torch.cat([(m.delta != 0).flatten() for m in layers]).nonzero()[:, 0]))
    assert len(kept) > 1, "which entries differ is decided anew at each step"


def test_a_step_is_the_full_one_with_all_but_the_farthest_set_back():
    model, layers, hooks, optimizer = subset()
    list(steps(model, hooks, optimizer, 1, 2))
    optimizer.zero_grad()
    model(**toy_inputs(), labels=torch.tensor([0, 1, 1])).loss.backward()
    optimizer.step()
    full = [layer.delta.detach().clone() for layer in layers]
    moments = [optimizer.state[layer.delta]["exp_avg"].clone() for layer in layers]
    hooks.after_step(Moment(3, 10))
    for layer, moved, moment in zip(layers, full, moments, strict=True):
        limit = moved.abs().flatten().sort().values[-layer.num_kept]
        assert torch.equal(layer.delta, torch.where(moved.abs() >= limit, moved, 0.0))
        assert torch.equal(optimizer.state[layer.delta]["exp_avg"], moment)


def test_the_first_step_keeps_the_entries_of_the_largest_gradient():
    model, layers, hooks, optimizer = subset()
    list(steps(model, hooks, optimizer, 1, 1))
    for layer in layers:
        sizes = layer.delta.grad.abs()
        limit = sizes.flatten().sort().values[-layer.num_kept]
        assert torch.equal(layer.delta != 0, sizes >= limit)


def test_its_state_is_places_and_values_and_a_resumed_training_is_the_same():
    model, layers, hooks, optimizer = subset()
    list(steps(model, hooks, optimizer, 1, 3))
    state = model.state_dict()
    assert not any(name.endswith("delta") for name in state)
    sizes = sorted(t.numel() for n, t in state.items() if n.endswith(".values"))
    assert sizes == sorted(COUNTS[m.delta.numel()] for m in layers)
    other, again, same_hooks, same_optimizer = subset()
    other.load_state_dict(state)
    same_optimizer.load_state_dict(deepcopy(optimizer.state_dict()))
    for one in ((model, hooks, optimizer), (other, same_hooks, same_optimizer)):
        list(steps(*one, 4, 5))
    assert all(torch.equal(a.delta, b.delta) for a, b in zip(layers, again, strict=True))


@pytest.mark.parametrize("missing", ["index", "values"])
def test_a_state_that_lacks_a_half_is_refused(missing):
    model = subset()[0]
    state = {n: t for n, t in model.state_dict().items() if not n.endswith(missing)}
    with pytest.raises(RuntimeError, match="Missing key.*delta"):
        model.load_state_dict(state)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_places_and_values_of_every_matrix_are_kept_with_a_run(dtype):
    adapted = adapt(toy_model().to(dtype), make_spec({"method": "dynamic-subset"}))
    ends = [name.rpartition(".")[2] for name in adapted.own_names]
    assert ends.count("index") == ends.count("values") == 12
    assert {*ends} == {"index", "values", "weight", "bias"}  # the head's
