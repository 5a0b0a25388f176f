"""What every adapter guarantees, over techniques and architectures; then what each one does."""

import copy
import io

import pytest
import torch
from peft.tuners.lora import LoraLayer
from peft.tuners.tuners_utils import BaseTunerLayer
from peft.tuners.vera import VeraLayer
from torch import nn
from torch.nn.functional import gelu
from torch.optim import SGD, AdamW
from torch.optim.lr_scheduler import LambdaLR

from finegates.adapters import ADAPTERS, Moment, attach_adapter, merge_adapters
from finegates.adapters.adamix import AdaMixAdapter
from finegates.adapters.adamix_lora import AdaMixLora
from finegates.adapters.compacter import CompacterLinear, KroneckerRule, PHMLinear
from finegates.adapters.layer import AdapterLayer
from finegates.adapters.lora_xs import LoraXS
from finegates.adapters.loretta_adp import LorettaAdapter
from finegates.adapters.loretta_rep import LorettaUpdate
from finegates.adapters.peft_layers import lora_fa_optimizer
from finegates.adapters.sparta import SparseDelta
from finegates.errors import ModelError, SpecError
from finegates.gates.laws import GaussianLaw
from finegates.gates.units import decoder_roles
from finegates.methods import METHODS
from finegates.models.architectures import ARCHITECTURES
from finegates.models.parameters import method_params
from finegates.models.sparse_sizes import returning_params
from finegates.nn.attach import attach_gates
from finegates.nn.model_parts import head_parameters
from finegates.spec import make_spec
from tests.toy_models import MODEL_TYPES, toy_inputs, toy_model

MERGING = {method.adapter for method in METHODS.values() if method.merges}
LINEAR = [adapter for adapter in ADAPTERS if adapter in MERGING]
OTHERS = [adapter for adapter in ADAPTERS if adapter not in MERGING]
EVERY_ADAPTER = pytest.mark.parametrize("adapter", ADAPTERS)
TYPES = ["bert", "roberta", "distilbert", "electra", "llama", "qwen2"]
SOME_TYPES = pytest.mark.parametrize("model_type", TYPES)
SHARED_OVER_HEADS = {"lorta"}
"""Refuse grouped heads and heads of another width than the hidden size over their number."""
STARTS_CHANGED = {"ether"}
"""A reflection is never the identity."""


def fits(adapter, model_type):
    """Whether an adapter takes a toy model: one it refuses is tested where the adapter is."""
    return adapter not in SHARED_OVER_HEADS or not ARCHITECTURES[model_type].is_decoder


def fitting(adapters, types=TYPES):
    """Parametrises by every pair of an adapter and a type that it takes."""
    pairs = [(a, t) for a in adapters for t in types if fits(a, t)]
    return pytest.mark.parametrize(("adapter", "model_type"), pairs)


EVERY_PAIR = fitting(ADAPTERS)
DRAWS_NOTHING = ("full", "vera", "sara", "dynamic-subset")
# What an untrained adapter may move logits of size 1 by: LoRA-XS starts at R ~ 1e-5 between vectors
# of a weight of norm 2 (a decoder's first norm enlarges them), Compacter at products of two weights
# of 1e-4, AdaMix at one of two weights of 0.02; the others add an exact 0.
START_TOLERANCE = {"lora-xs": 5e-4, "compacter": 1e-5, "adamix": 5e-3}


def adapted(adapter, model_type="bert", seed=1, model_seed=0, **settings):
    """A toy model with an adapter, the spec, and the adapter's parameters."""
    model, spec = toy_model(model_type, model_seed), make_spec({"method": adapter, **settings})
    torch.manual_seed(seed)
    return model, spec, attach_adapter(model, spec)


def randomise(parameters, seed=3, size=0.1):
    """Moves parameters away from their start."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in parameters:
            parameter += size * torch.randn(parameter.shape, generator=generator)


def logits(model):
    with torch.no_grad():
        return model(**toy_inputs()).logits


def loss(model):
    return model(**toy_inputs(), labels=torch.tensor([0, 1, 0])).loss


def kinds(model):
    return {name: type(module) for name, module in model.named_modules()}


def test_every_adapter_of_a_method_is_in_the_registry():
    assert {m.adapter for m in METHODS.values() if m.adapter} == ADAPTERS.keys()


# --- the contract of all -----------------------------------------------------------------------


@EVERY_PAIR
def test_only_adapter_and_head_are_trained_and_their_number_is_the_formulas(adapter, model_type):
    model, spec, parameters = adapted(adapter, model_type)
    trained = {id(p) for p in model.parameters() if p.requires_grad}
    head = {id(p) for p in head_parameters(model)}
    own = {id(p) for p in parameters}
    assert own and head and not own & head
    assert len(own) == len(parameters)
    assert trained == own | head
    config = model.config.to_dict()
    counted = method_params(spec, config) + returning_params(spec, config)
    assert sum(p.numel() for p in parameters) == counted


@fitting([adapter for adapter in ADAPTERS if adapter not in STARTS_CHANGED])
def test_untrained_adapters_leave_the_logits_unchanged(adapter, model_type):
    model = adapted(adapter, model_type)[0]
    difference = (logits(model) - logits(toy_model(model_type))).abs().max()
    assert difference <= START_TOLERANCE.get(adapter, 1e-6)


@fitting(STARTS_CHANGED)
def test_what_can_not_be_the_identity_changes_the_logits_at_once(adapter, model_type):
    model = adapted(adapter, model_type)[0]
    assert not torch.allclose(logits(model), logits(toy_model(model_type)), atol=1e-2)


@EVERY_PAIR
def test_a_step_of_the_adapter_alone_changes_the_logits(adapter, model_type):
    model, _, parameters = adapted(adapter, model_type)
    before, head = logits(model), copy.deepcopy([*head_parameters(model)])
    optimizer = AdamW(parameters, lr=1e-2)
    loss(model).backward()
    optimizer.step()
    assert not torch.allclose(logits(model), before, atol=1e-4)
    assert all(torch.equal(a, b) for a, b in zip(head, head_parameters(model), strict=True))


@fitting(LINEAR)
def test_merged_model_gives_the_adapted_models_logits_with_plain_modules(adapter, model_type):
    model, _, parameters = adapted(adapter, model_type)
    base = toy_model(model_type)
    randomise(parameters, size=0.3 if adapter == "lorta" else 0.1)  # its scale is a quarter
    expected = logits(model)
    assert not torch.allclose(expected, logits(base), atol=1e-2)
    merge_adapters(model)
    assert torch.allclose(logits(model), expected, atol=1e-5)
    assert kinds(model) == kinds(base)
    assert model.state_dict().keys() == base.state_dict().keys()
    assert vars(model).keys() == vars(base).keys()


@pytest.mark.parametrize("adapter", OTHERS)
@SOME_TYPES
def test_what_is_not_linear_is_not_merged_and_says_why(adapter, model_type):
    model, _, parameters = adapted(adapter, model_type)
    randomise(parameters)
    expected = logits(model)
    with pytest.raises(ModelError, match="adapter is not linear"):
        merge_adapters(model)
    assert torch.equal(logits(model), expected)


@EVERY_PAIR
def test_state_dict_is_complete(adapter, model_type):
    model, spec, parameters = adapted(adapter, model_type)
    randomise(parameters)
    ADAPTERS[adapter].hooks(model, spec).after_step(Moment(2, 2))  # as every step leaves it
    other = adapted(adapter, model_type, seed=7, model_seed=8)[0]
    assert not torch.allclose(logits(other), logits(model), atol=1e-3)
    other.load_state_dict(model.state_dict(), strict=True)
    assert torch.equal(logits(other), logits(model))


@EVERY_ADAPTER
def test_the_same_seed_attaches_the_same_adapter(adapter):
    first, again, another = (adapted(adapter, seed=seed)[0].state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    same = all(torch.equal(first[name], another[name]) for name in first)
    assert same == (adapter in DRAWS_NOTHING)


@EVERY_ADAPTER
def test_adapted_model_can_be_copied(adapter):
    model, _, parameters = adapted(adapter)
    randomise(parameters)
    expected, other = logits(model), copy.deepcopy(model)
    assert torch.equal(logits(other), expected)
    randomise(p for p in other.parameters() if p.requires_grad)
    assert not torch.allclose(logits(other), expected, atol=1e-3)
    assert torch.equal(logits(model), expected)


@fitting([adapter for adapter in ADAPTERS if adapter != "full"], MODEL_TYPES)
def test_just_the_target_matrices_are_wrapped(adapter, model_type):
    # 12 layers: peft shortens lists of 20 paths or more, and layer 1 must not stand for layer 11
    layers = "n_layers" if model_type == "distilbert" else "num_hidden_layers"
    model, spec = toy_model(model_type, **{layers: 12}), make_spec({"method": adapter})
    attach_adapter(model, spec)
    wrapped = {n for n, m in model.named_modules() if isinstance(m, (AdapterLayer, BaseTunerLayer))}
    architecture = ARCHITECTURES[model_type]
    assert wrapped == {
        f"{architecture.layers}.{layer}.{architecture.roles[role]}"
        for layer in range(12)
        for target in spec.target_modules
        for role in (decoder_roles(target) if architecture.is_decoder else (target,))
    }


@pytest.mark.parametrize("adapter", [a for a in ADAPTERS if ADAPTERS[a].needs_rank])
def test_a_rank_of_0_is_refused(adapter):
    with pytest.raises(SpecError, match=f"lora_rank is 0, but '{adapter}' needs a rank"):
        adapted(adapter, lora_rank=0)


ARGUMENTS = {
    LoraXS: (2, 4.0),
    SparseDelta: (0.5,),
    CompacterLinear: (4, KroneckerRule(2)),
    LorettaAdapter: (4, 2),
    LorettaUpdate: (2, 4.0, 2),
    AdaMixAdapter: (4, 2),
    AdaMixLora: (2, 4.0, 2),
}


@pytest.mark.parametrize("kind", ARGUMENTS)
def test_a_wrapped_linear_looks_like_one(kind):
    base = nn.Linear(8, 4, bias=False)
    layer = kind(base, *ARGUMENTS[kind])
    assert (layer.in_features, layer.out_features) == (8, 4)
    assert layer.weight is base.weight and layer.bias is None
    assert layer(torch.randn(2, 3, 8)).shape == (2, 3, 4)


# --- full fine-tuning ----------------------------------------------------------------------------


@SOME_TYPES
def test_full_fine_tuning_under_gates_trains_all_but_the_gates(model_type):
    model, spec = toy_model(model_type), make_spec({"method": "magnitude-full"})
    gates = attach_gates(model, GaussianLaw(), train_biases=False)
    parameters = attach_adapter(model, spec)
    frozen = [p for p in model.parameters() if not p.requires_grad]
    assert [id(p) for p in frozen] == [id(gates.parameter)]
    assert sum(p.numel() for p in parameters) == method_params(spec, model.config.to_dict())


# --- LoRA, LoRA-FA and VeRA ----------------------------------------------------------------------


def test_lora_computes_its_formula():
    model, _, parameters = adapted("lora", lora_rank=2, lora_alpha=6.0)
    randomise(parameters)
    layer = next(m for m in model.modules() if isinstance(m, LoraLayer))
    a, b = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    x = torch.randn(4, 16)
    assert torch.allclose(layer(x), layer.base_layer(x) + 3 * x @ a.T @ b.T, atol=1e-5)


def test_vera_starts_at_d_of_a_tenth_and_shares_its_matrices():
    model, _, _ = adapted("vera", lora_rank=5)
    layers = [m for m in model.modules() if isinstance(m, VeraLayer)]
    assert len(layers) == 4
    assert all((m.vera_lambda_d["default"] == 0.1).all() for m in layers)
    assert not any(m.vera_lambda_b["default"].any() for m in layers)
    assert len({m.vera_A["default"].data_ptr() for m in layers}) == 1
    assert not any("vera_A" in name for name in model.state_dict())


def lora_fa_groups(model):
    head = [*head_parameters(model)]
    return [
        {
            "name": name,
            "params": parameters,
            "lr": 1e-2 if name == "adapter" else 1e-3,
            "weight_decay": 0.0 if name == "vectors" else 0.1,
        }
        for name, parameters in {
            "adapter": [p for n, p in model.named_parameters() if "lora_B" in n],
            "matrices": [p for p in head if p.ndim > 1],
            "vectors": [p for p in head if p.ndim <= 1],
        }.items()
    ]


def lora_fa_run(steps=0, state=None):
    """A LoRA-FA model, its optimizer and a falling schedule, after some steps or restored."""
    model = adapted("lora-fa", lora_rank=4)[0]
    optimizer = lora_fa_optimizer(lora_fa_groups(model), model)
    schedule = LambdaLR(optimizer, [lambda step: 1 - step / 10] * 3)
    if state is not None:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
    for _ in range(steps):
        loss(model).backward()
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    return model, optimizer, schedule


def test_lora_fa_resumed_equals_uninterrupted():
    model, optimizer, schedule = lora_fa_run(steps=2)
    file = io.BytesIO()
    parts = {"model": model, "optimizer": optimizer, "schedule": schedule}
    torch.save({name: part.state_dict() for name, part in parts.items()}, file)
    file.seek(0)
    resumed = lora_fa_run(steps=2, state=torch.load(file, weights_only=True))
    whole = lora_fa_run(steps=4)
    for name, tensor in whole[0].state_dict().items():
        assert torch.equal(tensor, resumed[0].state_dict()[name]), name
    rates = [group["lr"] for group in whole[1].param_groups]
    assert rates == [group["lr"] for group in resumed[1].param_groups]
    assert rates == pytest.approx([6e-3, 6e-4, 6e-4])


def test_lora_fa_trains_b_and_head_and_leaves_a():
    before, after = (lora_fa_run(steps=n)[0].state_dict() for n in (0, 1))
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {n for n in before if "lora_B" in n or n.startswith("classifier")}


def test_lora_fa_corrects_the_gradient_of_b():
    model, optimizer, _ = lora_fa_run()
    loss(model).backward()
    optimizer.step()
    name, layer = next((n, m) for n, m in model.named_modules() if isinstance(m, LoraLayer))
    a, b = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    scale = 16.0 / 4
    expected = 0.1 * b.grad @ torch.linalg.inv(a @ a.T) / scale**2  # 0.1 is 1 - beta1
    actual = optimizer.state[f"{name}.lora"]["exp_avg_B"]
    assert torch.allclose(actual, expected, rtol=0.05, atol=0.02 * expected.abs().max())


def test_lora_fa_state_goes_where_the_parameters_are():
    _, optimizer, _ = lora_fa_run(steps=1)
    model = lora_fa_run()[0].to("meta")
    other = lora_fa_optimizer(lora_fa_groups(model), model)
    other.load_state_dict(optimizer.state_dict())
    moments = [v for s in other.state.values() for v in s.values() if isinstance(v, torch.Tensor)]
    assert moments and all(moment.device.type == "meta" for moment in moments)


# --- LoRA-XS -------------------------------------------------------------------------------------


def test_lora_xs_computes_its_formula_between_singular_vectors():
    torch.manual_seed(0)
    base = nn.Linear(24, 16)
    layer = LoraXS(base, rank=3, alpha=6.0)
    u, s, vt = torch.linalg.svd(base.weight.detach())
    # up to the sign of each pair of vectors, which no SVD determines
    assert torch.allclose((layer.a @ vt[:3].T).abs(), s[:3].diag(), atol=1e-3)
    assert torch.allclose((layer.b.T @ u[:, :3]).abs(), torch.eye(3), atol=1e-3)
    assert torch.allclose(layer.b @ layer.a, (u[:, :3] * s[:3]) @ vt[:3], atol=1e-3)
    nn.init.normal_(layer.r)
    x = torch.randn(2, 5, 24)
    expected = base(x) + 2 * x @ layer.a.T @ layer.r.T @ layer.b.T
    assert torch.allclose(layer(x), expected, atol=1e-5)


def test_lora_xs_starts_near_zero_and_cuts_its_rank():
    torch.manual_seed(0)
    layer = LoraXS(nn.Linear(40, 32), rank=64, alpha=64.0)
    assert layer.r.shape == (32, 32) and layer.scale == 2.0
    assert layer.r.std().item() == pytest.approx(1e-5, rel=0.1)


# --- SpaRTA --------------------------------------------------------------------------------------


def test_sparta_trains_a_share_of_the_entries_drawn_without_replacement():
    layer = SparseDelta(nn.Linear(30, 20), 0.1, torch.Generator().manual_seed(0))
    assert len(layer.index) == 60 and len(layer.index.unique()) == 60
    assert torch.equal(layer.index, layer.index.sort().values)
    assert layer.index.dtype == torch.int64 and layer.delta.dtype == torch.float32
    assert not layer.delta.any()
    again = SparseDelta(nn.Linear(30, 20), 0.1, torch.Generator().manual_seed(0))
    assert torch.equal(layer.index, again.index)
    assert len(SparseDelta(nn.Linear(30, 20), 1e-5).index) == 1
    assert len(SparseDelta(nn.Linear(30, 20), 1.0).index) == 600


def test_sparta_gets_the_dense_gradient_at_its_entries():
    torch.manual_seed(0)
    base = nn.Linear(30, 20)
    layer, dense = SparseDelta(base, 0.1), copy.deepcopy(base)
    x, target = torch.randn(2, 7, 30), torch.randn(2, 7, 20)
    for module in (layer, dense):
        (module(x) * target).sum().backward()
    assert torch.allclose(layer.delta.grad, dense.weight.grad.flatten()[layer.index], atol=1e-5)
    SGD([layer.delta], lr=0.1).step()
    change = layer.to_sparse()
    assert change.is_sparse and change.is_coalesced() and change._nnz() == 60
    assert torch.allclose(layer.merged().weight, base.weight + change.to_dense(), atol=1e-6)
    assert torch.allclose(layer.merged()(x), layer(x), atol=1e-5)


def test_sparta_keeps_small_changes_under_bfloat16():
    torch.manual_seed(0)
    layer = SparseDelta(nn.Linear(64, 64), 1.0)
    # a quarter of bfloat16's spacing: added in it, none of the changes would remain
    spacing = 2.0 ** (layer.weight.detach().abs().log2().floor() - 7)
    with torch.no_grad():
        layer.delta.copy_((spacing / 4).flatten() * layer.weight.sign().flatten())
    x = torch.randn(256, 64)
    with torch.autocast("cpu", torch.bfloat16):
        y, base = layer(x), layer.base_layer(x)
        assert y.dtype == torch.bfloat16
        y.sum().backward()
    assert (y != base).any()
    assert layer.delta.grad.dtype == torch.float32 and layer.delta.grad.any()


# --- Compacter -----------------------------------------------------------------------------------


def test_phm_weight_is_a_sum_of_kronecker_products():
    torch.manual_seed(0)
    rule = KroneckerRule(4)
    nn.init.normal_(rule.a)
    layer = PHMLinear(8, 12, rule)
    nn.init.normal_(layer.bias)
    expected = sum(torch.kron(rule.a[i], layer.s[i] @ layer.t[i]) for i in range(4))
    assert layer.s[0].shape == (3, 1) and layer.t[0].shape == (1, 2)
    assert torch.allclose(layer.weight, expected, atol=1e-6)
    x = torch.randn(2, 5, 8)
    assert torch.allclose(layer(x), x @ expected.T + layer.bias, atol=1e-5)
    assert {n for n, _ in layer.named_parameters()} == {"s", "t", "bias"}


def test_compacter_adapts_the_output_of_its_linear():
    torch.manual_seed(0)
    rule = KroneckerRule(2)
    nn.init.normal_(rule.a)
    layer, x = CompacterLinear(nn.Linear(6, 8), 4, rule), torch.randn(3, 6)
    z = layer.base_layer(x)
    expected = z + layer.up(gelu(layer.down(z), approximate="tanh"))
    assert layer.down.weight.shape == (4, 8) and layer.up.weight.shape == (8, 4)
    assert torch.allclose(layer(x), expected)


def test_compacters_a_is_one_parameter_that_the_model_owns():
    model, _, parameters = adapted("compacter")
    assert [n for n in model.state_dict() if n.endswith(".a")] == ["compacter.a"]
    assert parameters[0] is model.compacter.a
    adapters = [m for m in model.modules() if isinstance(m, PHMLinear)]
    assert len(adapters) == 8 and all(m._rule[0] is model.compacter for m in adapters)


def test_compacters_bottleneck_is_the_next_multiple_of_n():
    model, spec, parameters = adapted("compacter", compacter_terms=4, compacter_reduction=3)
    # 16 // 3 = 5, up to 8; at the default reduction of 32 it is 0, up to 4
    assert model.bert.encoder.layer[0].output.dense.down.bias.shape == (8,)
    assert sum(p.numel() for p in parameters) == method_params(spec, model.config.to_dict())
    other = adapted("compacter")[0]
    assert other.bert.encoder.layer[0].output.dense.down.bias.shape == (4,)


def test_terms_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ModelError, match="compacter_terms is 5.* one of: 1, 2, 4, 8, 16"):
        adapted("compacter", compacter_terms=5)
