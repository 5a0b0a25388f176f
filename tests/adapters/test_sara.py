"""Claims about SaRA: which entries it trains, and that they are chosen once more."""

import copy

import pytest
import torch
from torch.optim import SGD, AdamW

from finegates.adapters import Moment, attach_adapter, merge_adapters
from finegates.adapters.sara import SaraHooks, SaraLinear
from finegates.spec import make_spec
from tests.toy_models import toy_inputs, toy_model

DENSITY = 0.01
TARGETS = 2 * (4 * 16 * 16 + 2 * 16 * 32)
COUNT = round(DENSITY * TARGETS)


def with_sara(**settings):
    """A toy model, its trained vector's owner, its hooks, and its target matrices by name."""
    model, spec = toy_model(), make_spec({"method": "sara", "sparta_density": DENSITY, **settings})
    attach_adapter(model, spec)
    layers = {n: m for n, m in model.named_modules() if isinstance(m, SaraLinear)}
    return model, model.sara, SaraHooks(model, spec), layers


def present(layers):
    return {name: layer.present_weight().detach().clone() for name, layer in layers.items()}


def moved(model, size=0.05):
    """Moves the trained vector away from its start."""
    with torch.no_grad():
        model.sara.delta += size * torch.randn(COUNT, generator=torch.Generator().manual_seed(0))


def loss(model):
    return model(**toy_inputs(), labels=torch.tensor([0, 1, 0])).loss


def test_the_smallest_entries_of_all_matrices_together_are_trained():
    _, entries, _, layers = with_sara()
    with torch.no_grad():
        entries.delta.fill_(100.0)
    base, now = {n: m.weight.detach() for n, m in layers.items()}, present(layers)
    changed = {n: now[n] != base[n] for n in base}
    limit = torch.cat([w.abs().flatten() for w in base.values()]).sort().values[COUNT]
    assert all(torch.equal(changed[n], base[n].abs() < limit) for n in base)
    counts = {int(c.sum()) for c in changed.values()}
    assert sum(int(c.sum()) for c in changed.values()) == COUNT == len(entries.delta)
    assert len(counts) > 1, "a share of each matrix would be another method"


def test_it_gets_the_dense_gradient_at_its_entries():
    model, entries, _, layers = with_sara()
    dense = toy_model()
    for one in (model, dense):
        loss(one).backward()
    found = {n: copy.deepcopy(layer.weight.detach()) for n, layer in layers.items()}
    SGD([entries.delta], lr=1.0).step()
    for name, layer in layers.items():
        change = layer.present_weight().detach() - found[name]
        gradient = dense.get_submodule(name).weight.grad
        assert torch.allclose(change, torch.where(change != 0, -gradient, 0.0), atol=1e-6)


def test_the_second_choice_keeps_the_weights_and_starts_the_optimizer_anew():
    model, entries, hooks, layers = with_sara()
    optimizer = AdamW([entries.delta], lr=0.1)
    loss(model).backward()
    optimizer.step()
    before, first = present(layers), entries.index.clone()
    hooks.before_step(Moment(5, 10), optimizer)
    assert torch.equal(entries.index, first) and optimizer.state[entries.delta]
    hooks.before_step(Moment(6, 10), optimizer)
    assert not optimizer.state[entries.delta] and not entries.delta.any()
    now = present(layers)
    assert all(torch.equal(now[name], before[name]) for name in now)
    sizes = torch.cat([before[f"bert.encoder.layer.{i}.{n}"].abs().flatten() for i, n in ORDER])
    assert torch.equal(entries.index, sizes.argsort(stable=True)[:COUNT].sort().values)
    assert not torch.equal(entries.index, first), "some have grown past the limit"


ORDER = [
    (layer, name)
    for layer in range(2)
    for name in (
        "attention.self.query", "attention.self.key", "attention.self.value",
        "attention.output.dense", "intermediate.dense", "output.dense",
    )
]  # fmt: skip


def test_both_sets_are_in_its_state_and_in_the_merged_model():
    model, entries, hooks, _ = with_sara()
    moved(model)
    hooks.before_step(Moment(1, 1), AdamW([entries.delta]))
    moved(model, 0.02)
    other = with_sara()[0]
    other.load_state_dict(model.state_dict())
    expected = model(**toy_inputs()).logits
    assert torch.equal(other(**toy_inputs()).logits, expected)
    names = ("index", "delta", "settled", "settled_index")
    own = {n: t.numel() for n, t in model.state_dict().items() if n.startswith("sara.")}
    assert own == {f"sara.{name}": COUNT for name in names}
    merge_adapters(other)
    assert torch.allclose(other(**toy_inputs()).logits, expected, atol=1e-5)
    assert not hasattr(other, "sara")


def test_the_rank_loss_is_the_nuclear_norm_of_the_trained_entries_of_one_matrix():
    model, entries, hooks, layers = with_sara(sara_rank_penalty=0.5)
    moved(model)
    base, now = {n: m.weight.detach() for n, m in layers.items()}, present(layers)
    alone = [torch.where(now[n] != base[n], now[n], 0.0) for n in now]
    norms = [0.5 * torch.linalg.svdvals(matrix).sum().item() for matrix in alone]
    torch.manual_seed(0)
    drawn = [hooks.extra_loss(Moment(1, 1), {}, None) for _ in range(20)]
    assert len({round(x.item(), 4) for x in drawn}) > 5
    assert all(min(abs(x.item() - norm) for norm in norms) < 1e-5 for x in drawn)
    drawn[0].backward()
    assert entries.delta.grad.any()
    assert with_sara()[2].extra_loss(Moment(1, 1), {}, None) is None


@pytest.mark.parametrize("density", [1e-5, 1.0])
def test_at_least_one_entry_and_at_most_all_are_trained(density):
    assert len(with_sara(sparta_density=density)[1].delta) == (1 if density < 1 else TARGETS)
