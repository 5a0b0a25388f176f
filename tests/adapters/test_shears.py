"""Claims about Shears: what is 0 stays 0, and which rank is trained, evaluated and merged."""

import copy

import pytest
import torch
from torch import nn

from finegates.adapters import Moment, attach_adapter, merge_adapters
from finegates.adapters.shears import ShearsHooks, ShearsLinear, zero_fraction
from finegates.adapters.wanda import input_norms, kept_weights
from finegates.spec import make_spec
from tests.toy_models import toy_inputs, toy_model

ROWS = [{**toy_inputs(), "labels": torch.tensor([0, 1, 0])}]


def sheared(model_type="bert", rank=8, sparsity=0.5):
    """A toy model with masks set, its layers by name, and its hooks."""
    model = toy_model(model_type)
    spec = make_spec({"method": "shears", "lora_rank": rank, "shears_sparsity": sparsity})
    attach_adapter(model, spec)
    hooks = ShearsHooks(model, spec)
    hooks.before_training(ROWS)
    layers = {n: m for n, m in model.named_modules() if isinstance(m, ShearsLinear)}
    return model, layers, hooks


def randomise(layers):
    for layer in layers.values():
        nn.init.normal_(layer.b, std=0.1)


def test_it_computes_its_formula_at_each_rank_with_one_scale():
    torch.manual_seed(0)
    base = nn.Linear(12, 6)
    layer, x = ShearsLinear(base, 8, 16.0, (0, "up")), torch.randn(2, 3, 12)
    nn.init.normal_(layer.b)
    layer.mask.copy_(torch.rand(6, 12) < 0.5)
    for training, rank in ((True, 8), (True, 4), (False, 6)):
        layer.train(training).rank = rank
        update = 2.0 * layer.b[:, :rank] @ layer.a[:rank]
        expected = x @ ((base.weight + update) * layer.mask).T + base.bias
        assert torch.allclose(layer(x), expected, atol=1e-5)


def test_a_later_layer_is_judged_by_what_the_sparse_ones_before_it_put_out():
    _, layers, _ = sheared()
    plain = toy_model()
    for number in range(2):
        names = [name for name in layers if f"layer.{number}." in name]
        modules = [plain.get_submodule(name) for name in names]
        inputs = {n: ROWS[0][n] for n in ("input_ids", "attention_mask")}
        for name, module, norms in zip(
            names, modules, input_norms(plain, modules, [inputs]), strict=True
        ):
            kept = kept_weights(module.weight, norms, 0.5)
            assert torch.equal(layers[name].mask, kept), name
            with torch.no_grad():
                module.weight *= kept


@pytest.mark.parametrize("sparsity", [0.25, 0.5])
def test_zeros_are_the_share_that_was_asked_for_and_stay_in_the_merged_model(sparsity):
    model, layers, _ = sheared(sparsity=sparsity)
    assert zero_fraction(model) == sparsity
    randomise(layers)
    masks = {name: layer.mask.clone() for name, layer in layers.items()}
    merge_adapters(model)
    for name, mask in masks.items():
        assert torch.equal(model.get_submodule(name).weight != 0, mask)
    assert zero_fraction(model) is None


@pytest.mark.parametrize("model_type", ["bert", "llama"])
def test_each_group_draws_a_rank_of_its_own_at_each_step(model_type):
    _, layers, hooks = sheared(model_type)
    torch.manual_seed(0)
    drawn = []
    for step in range(1, 41):
        hooks.before_step(Moment(step, 40), None)
        of_groups = {}
        for name, layer in layers.items():
            of_groups.setdefault((layer.group), {})[name] = layer.rank
        assert all(len({*ranks.values()}) == 1 for ranks in of_groups.values())
        drawn.append([next(iter(ranks.values())) for ranks in of_groups.values()])
    groups = torch.tensor(drawn).T
    assert len(groups) == 6  # q, k, v; what leads into the neurons; what leads out of them: twice
    assert all(set(ranks.tolist()) == {8, 6, 4} for ranks in groups)
    assert len({tuple(ranks.tolist()) for ranks in groups}) == 6


def test_evaluation_does_not_see_what_was_drawn():
    model, layers, hooks = sheared()
    randomise(layers)
    before = model.eval()(**toy_inputs()).logits
    for step in range(1, 5):
        hooks.before_step(Moment(step, 4), None)
    assert torch.equal(model(**toy_inputs()).logits, before)
    other = copy.deepcopy(model)
    for layer in layers.values():  # what is beyond the kept rank is not read
        layer.a.data[6:], layer.b.data[:, 6:] = 7.0, 7.0
    assert torch.equal(model(**toy_inputs()).logits, other(**toy_inputs()).logits)
