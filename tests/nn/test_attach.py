"""What attaching gates guarantees, for every architecture of the table."""

import copy
import pickle

import numpy as np
import pytest
import torch

from finegates.errors import ModelError, SpecError
from finegates.gates.laws import LAWS, GaussianLaw
from finegates.gates.layout import ROLES
from finegates.models.architectures import ARCHITECTURES
from finegates.nn.attach import attach_gates, detach_gates, gated_linears
from finegates.nn.model_parts import encoder_layers
from tests.toy_models import MODEL_TYPES, toy_inputs, toy_model

EVERY_TYPE = pytest.mark.parametrize("model_type", MODEL_TYPES)


def logits(model):
    with torch.no_grad():
        return model(**toy_inputs()).logits


def set_random_means(gates, seed=0):
    means = np.random.default_rng(seed).uniform(-0.9, 0.9, gates.layout.num_gates)
    gates.set_means(means.astype(np.float32))


@EVERY_TYPE
@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_open_gates_leave_the_logits_unchanged(model_type, law):
    model = toy_model(model_type)
    before = logits(model)
    attach_gates(model, law)
    assert torch.allclose(logits(model), before, atol=1e-6)


@EVERY_TYPE
def test_detached_model_is_the_original_to_the_bit(model_type):
    model = toy_model(model_type)
    before, state = logits(model), copy.deepcopy(model.state_dict())
    gates = attach_gates(model, GaussianLaw(), lora_rank=2)
    set_random_means(gates)
    assert not torch.allclose(logits(model), before, atol=1e-3)
    detach_gates(model)
    assert torch.equal(logits(model), before)
    assert model.state_dict().keys() == state.keys()
    assert all(torch.equal(state[k], v) for k, v in model.state_dict().items())


@EVERY_TYPE
def test_only_gates_head_and_gated_biases_get_gradients(model_type):
    model = toy_model(model_type)
    roles = ARCHITECTURES[model_type].roles.values()
    linears = [layer.get_submodule(path) for layer in encoder_layers(model) for path in roles]
    expected = sum(linear.bias is not None for linear in linears)
    gates = attach_gates(model, GaussianLaw(), units=("matrices",))
    set_random_means(gates)
    model.train()
    model(**toy_inputs(), labels=torch.tensor([0, 1, 0])).loss.backward()
    with_gradient = {n for n, p in model.named_parameters() if p.grad is not None}
    biases = {n for n, _ in model.named_parameters() if n.endswith("base_layer.bias")}
    head = ARCHITECTURES[model_type].head
    heads = {n for n, _ in model.named_parameters() if n.startswith(head)}
    assert len(biases) == expected and heads
    assert with_gradient == biases | heads | {"finegates.parameter"}


def test_biases_can_be_left_frozen():
    model = toy_model()
    attach_gates(model, GaussianLaw(), train_biases=False)
    trained = [name for name, p in model.named_parameters() if p.requires_grad]
    assert not any("base_layer" in name for name in trained)


@EVERY_TYPE
def test_gated_matrix_computes_equation_7(model_type):
    model = toy_model(model_type)
    gates = attach_gates(model, GaussianLaw(), units=("matrices",))
    set_random_means(gates)
    values = gates.layout.split(gates.law.value(gates.means_array()))
    for gated in gated_linears(model):
        x = torch.randn(4, gated.in_features)
        z_in, z_out = (torch.from_numpy(values[f"{gated.matrix.name}.{s}"]) for s in ("in", "out"))
        bias = torch.zeros(1) if gated.bias is None else gated.bias
        with torch.no_grad():
            expected = z_out * ((gated.weight @ (z_in * x).T).T + bias)
            assert torch.allclose(gated(x), expected, atol=1e-5)


def test_low_rank_update_is_inside_the_gates_as_in_equation_8():
    model = toy_model()
    gates = attach_gates(model, GaussianLaw(), lora_rank=2, lora_alpha=6)
    set_random_means(gates)
    values = gates.layout.split(gates.law.value(gates.means_array()))
    gated = next(gated_linears(model))
    low = gated.low_rank
    assert not low.b.any()
    torch.nn.init.normal_(low.b)
    x = torch.randn(4, gated.in_features)
    z_in, z_out = (torch.from_numpy(values[f"{gated.matrix.name}.{s}"]) for s in ("in", "out"))
    with torch.no_grad():
        weight = gated.weight + 3 * low.b @ low.a
        expected = z_out * ((z_in * x) @ weight.T + gated.bias)
        assert torch.allclose(gated(x), expected, atol=1e-5)


@pytest.mark.parametrize("sides", ["in", "out"])
def test_gates_on_one_side_only(sides):
    model = toy_model()
    gates = attach_gates(model, GaussianLaw(), sides=sides)
    assert {v.side for v in gates.layout.vectors} == {sides}
    before = logits(model)
    set_random_means(gates)
    assert not torch.allclose(logits(model), before, atol=1e-3)


@pytest.mark.parametrize("role", ROLES)
def test_any_subset_of_targets(role):
    model = toy_model()
    gates = attach_gates(model, GaussianLaw(), target_modules=(role,))
    assert {m.role for m in gates.layout.matrices} == {role}
    assert len(list(gated_linears(model))) == 2


def test_a_linear_without_bias_stays_without():
    model = toy_model()
    query = model.bert.encoder.layer[0].attention.self.query
    query.bias = None
    before = logits(model)
    attach_gates(model, GaussianLaw())
    assert torch.allclose(logits(model), before, atol=1e-6)
    assert not any("layer.0.attention.self.query.base_layer.bias" in n for n in model.state_dict())


def test_all_gates_are_drawn_once_a_pass_and_shared_by_the_batch():
    model = toy_model(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    gates = attach_gates(model, GaussianLaw())
    set_random_means(gates)
    draws = []
    gates.register_forward_hook(lambda *_: draws.append(1))
    model.train()
    ids = toy_inputs()["input_ids"][:1].repeat(3, 1)
    first = model(input_ids=ids).logits
    assert len(draws) == 1
    assert torch.allclose(first[0], first[1], atol=1e-5)
    assert not torch.allclose(model(input_ids=ids).logits, first, atol=1e-4)
    model.eval()
    assert torch.equal(model(input_ids=ids).logits, model(input_ids=ids).logits)


def test_settled_gates_have_neither_noise_nor_gradient():
    model = toy_model(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    gates = attach_gates(model, GaussianLaw())
    set_random_means(gates)
    expected = logits(model)
    gates.settled = True
    model.train()
    out = model(**toy_inputs(), labels=torch.tensor([0, 1, 0]))
    assert torch.allclose(out.logits, expected, atol=1e-5)
    out.loss.backward()
    assert gates.parameter.grad is None


def test_state_dict_is_complete():
    model = toy_model()
    gates = attach_gates(model, GaussianLaw(), lora_rank=2)
    set_random_means(gates)
    torch.nn.init.normal_(next(gated_linears(model)).low_rank.b)
    other = toy_model(seed=1)
    attach_gates(other, GaussianLaw(), lora_rank=2)
    other.load_state_dict(model.state_dict(), strict=True)
    assert torch.equal(logits(other), logits(model))


def test_gated_model_can_be_copied_and_pickled_after_a_training_pass():
    model = toy_model()
    set_random_means(attach_gates(model, GaussianLaw()))
    model.train()
    model(**toy_inputs())
    model.eval()
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(logits(other), logits(model))
        set_random_means(other.finegates, seed=1)
        assert not torch.equal(logits(other), logits(model))


def test_unknown_target_names_the_allowed_ones():
    with pytest.raises(
        ModelError, match=r"Unknown target module of a bert model 'outputs'.*'output'"
    ):
        attach_gates(toy_model(), GaussianLaw(), target_modules=("outputs",))


def test_an_unsupported_model_type_is_named_with_the_supported_ones():
    model = toy_model()
    model.config.model_type = "robert"
    with pytest.raises(ModelError, match="'robert' are not supported.* roberta,"):
        attach_gates(model, GaussianLaw())


def test_attaching_twice_is_an_error():
    model = toy_model()
    attach_gates(model, GaussianLaw())
    with pytest.raises(SpecError, match="carries gates already"):
        attach_gates(model, GaussianLaw())


@EVERY_TYPE
@pytest.mark.parametrize("place", ["inside", "outside"])
@pytest.mark.parametrize("sides", ["both", "in", "out"])
def test_folding_gates_into_weights_changes_no_gradient(model_type, place, sides, monkeypatch):
    found = []
    for folds in (False, True):
        monkeypatch.setattr("finegates.nn.gated_linear.folding_pays", lambda *_, folds=folds: folds)
        torch.manual_seed(0)
        model = toy_model(model_type).double()
        gates = attach_gates(model, GaussianLaw(), lora_rank=2, lora_place=place, sides=sides)
        model.double().train()
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        set_random_means(gates)
        torch.manual_seed(1)  # the gates' noise
        model(**toy_inputs(), labels=torch.tensor([0, 1, 0])).loss.backward()
        found.append({n: p.grad for n, p in model.named_parameters() if p.grad is not None})
    for name, gradient in found[0].items():
        assert torch.allclose(found[1][name], gradient, atol=1e-9), name
