"""A shrunk model gives the gated model's logits, whatever the gates, for every architecture."""

import copy
import json
import pickle
from dataclasses import asdict

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finegates.errors import ModelError, SpecError
from finegates.gates.cuts import Cut
from finegates.gates.laws import LAWS, GaussianLaw
from finegates.gates.removal import gates_to_close
from finegates.gates.units import UNITS
from finegates.models.architectures import ARCHITECTURES
from finegates.nn.attach import attach_gates, gates_of
from finegates.shrinking.hardware import HARDWARE, Hardware, group_heads
from finegates.shrinking.models import MODELS, plans_of
from finegates.shrinking.plan import CONSTANT, LayerPlan
from finegates.shrinking.shrink import prune
from finegates.shrinking.shrink import shrink as shrink_for
from tests.toy_models import ENCODER_TYPES, toy_inputs, toy_model

EVERY_TYPE = pytest.mark.parametrize("model_type", ENCODER_TYPES)
TOLERANCE = 1e-5
"""Largest difference of logits relative to their scale, in float32."""
EXACT = 1e-9
"""The same in float64: any pattern of gates, also one whose logits nearly cancel."""
THRIFTY = Hardware(0, 0, 0, row_multiple=1, column_multiple=1, head_multiple=1)
"""Saves every product that it can: tiny models are not worth a copy on real hardware."""
MACHINES = {**HARDWARE, "thrifty": THRIFTY}


def shrink(model, tuned_for=THRIFTY, **options):
    return shrink_for(model, tuned_for=tuned_for, **options)


@torch.no_grad()
def difference(one, other):
    a, b = one(**toy_inputs()).logits, other(**toy_inputs()).logits
    return float((a - b).abs().max() / a.abs().max())


def gated(model_type="bert", means=None, law=None, **options):
    model = toy_model(model_type)
    gates = attach_gates(model, law or GaussianLaw(), **options)
    if means is not None:
        gates.set_means(np.broadcast_to(means, gates.layout.num_gates).astype(np.float32))
    if options.get("lora_rank"):
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if name.endswith("low_rank.b"):
                    parameter.copy_(torch.randn_like(parameter))
    return model.eval()


def random_means(layout, seed, closed_fraction):
    """Uniform over closed, fractional and wide open values; each vector with its own share."""
    rng = np.random.default_rng(seed)
    means = rng.uniform(-0.49, 0.7, layout.num_gates)
    shares = rng.uniform(0, min(1, 2 * closed_fraction), len(layout.vectors))
    means[rng.uniform(size=layout.num_gates) < shares[layout.vector_index]] = -0.9
    return means


def set_random_means(model, seed, closed_fraction):
    """Gives a model's gates such means, and returns the gates."""
    gates = gates_of(model)
    gates.set_means(random_means(gates.layout, seed, closed_fraction).astype(np.float32))
    return gates


@EVERY_TYPE
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10_000),
    closed=st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]),
    rank=st.sampled_from([0, 2]),
    place=st.sampled_from(["inside", "outside"]),
    sides=st.sampled_from(["both", "in", "out"]),
    machine=st.sampled_from(list(MACHINES.values())),
)
def test_shrunk_model_gives_the_gated_models_logits(
    model_type, seed, closed, rank, place, sides, machine
):
    model = gated(model_type, lora_rank=rank, lora_place=place, sides=sides).double()
    set_random_means(model, seed, closed)
    assert difference(model, shrink(model, tuned_for=machine)) < EXACT


@EVERY_TYPE
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10_000),
    closed=st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]),
    rank=st.sampled_from([0, 2]),
    units=st.sets(st.sampled_from(UNITS), min_size=1),
    machine=st.sampled_from(list(MACHINES.values())),
)
def test_whatever_a_gate_stands_for_the_shrunk_model_gives_the_gated_ones_logits(
    model_type, seed, closed, rank, units, machine
):
    model = gated(model_type, lora_rank=rank, units=tuple(units)).double()
    set_random_means(model, seed, closed)
    assert difference(model, shrink(model, tuned_for=machine)) < EXACT


@EVERY_TYPE
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10_000),
    closed=st.sampled_from([0.1, 0.3]),
    units=st.sets(st.sampled_from(UNITS), min_size=1),
)
def test_of_structures_what_is_counted_is_what_goes(model_type, seed, closed, units):
    model = gated(model_type, units=tuple(units))
    gates = set_random_means(model, seed, closed)
    kept = gates.layout.num_gated_weights - gates.removal().removed_weights
    needed = sum(layer["weights"] for layer in shrink(model).config.shrunk_needs)
    assert needed <= kept
    if _nothing_more_goes(gates):
        assert needed == kept


def _nothing_more_goes(gates):
    """Whether no structure goes that has open gates: as a head's scores, if all its values do."""
    layout, is_open = gates.layout, ~gates.layout.spread(gates.closed_array())
    sides = {side.name: is_open[side.slice] for side in layout.sides}
    for layer in range(layout.num_layers):
        names = [n for n in sides if n.startswith(f"{layer}.")]
        if not all(sides[name].any() for name in names):
            return False
        values, scores = (sides.get(f"{layer}.{n}.out") for n in ("v", "q"))
        if values is None:
            continue
        dead = ~values.reshape(layout.num_heads, -1).any(axis=1)
        alive = np.ones_like(dead)
        if scores is not None:
            alive = scores.reshape(layout.num_heads, -1).any(axis=1)
        if (dead & alive).any():
            return False
    return True


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_every_law_is_folded(law):
    model = gated(law=law)
    gates = gates_of(model)
    means = np.random.default_rng(0).uniform(-1, 1, gates.layout.num_gates)
    gates.set_means(means.astype(np.float32))
    assert difference(model, shrink(model)) < TOLERANCE


@EVERY_TYPE
@pytest.mark.parametrize("mean", [0.6, -0.9], ids=["all open", "all closed"])
def test_extreme_patterns(model_type, mean):
    model = gated(model_type, mean)
    shrunk = shrink(model)
    assert difference(model, shrunk) < TOLERANCE
    if mean < 0:
        assert {asdict(plan)["attention"] for plan in plans_of(shrunk.config)} == {CONSTANT}
        assert {asdict(plan)["feed_forward"] for plan in plans_of(shrunk.config)} == {CONSTANT}


@EVERY_TYPE
@pytest.mark.parametrize("layer", [0, 1])
def test_one_layer_closed_and_one_dimension_left(model_type, layer):
    model = gated(model_type, 0.6)
    gates = gates_of(model)
    means = gates.means_array()
    for vector in gates.layout.vectors:
        if vector.layer == layer:
            means[vector.slice] = -0.9
        else:
            means[vector.start + 1 : vector.start + vector.size] = -0.9
    gates.set_means(means)
    assert difference(model, shrink(model)) < TOLERANCE


@pytest.mark.parametrize("role", ["q", "k"])
def test_a_head_without_queries_or_keys_takes_the_plain_average(role):
    model = gated(means=0.6)
    gates = gates_of(model)
    means = gates.means_array()
    means[gates.layout.vectors[gates.layout.places[f"0.{role}.out"]].slice] = -0.9
    gates.set_means(means)
    shrunk = shrink(model)
    assert difference(model, shrunk) < TOLERANCE
    assert difference(model, toy_model()) > 100 * TOLERANCE


@EVERY_TYPE
@pytest.mark.parametrize("role", ["q", "k", "v", "o", "intermediate", "output"])
@pytest.mark.parametrize("biases", ["kept", "gated"])
def test_rows_of_zeros_go_whether_their_biases_are_zero_or_not(model_type, role, biases):
    """What an ungated bias leaves: a constant, which belongs into the next bias, or one key."""
    model = toy_model(model_type)
    architecture = ARCHITECTURES[model_type]
    rng = np.random.default_rng(1)
    with torch.no_grad():
        for layer in model.get_submodule(architecture.layers):
            linear = layer.get_submodule(architecture.roles[role])
            closed = torch.from_numpy(rng.uniform(size=linear.out_features) < 0.6)
            linear.weight[closed] = 0
            if biases == "gated":
                linear.bias[closed] = 0
    shrunk = shrink(model)
    assert difference(model, shrunk) < TOLERANCE
    if role not in ("q", "k"):  # these stay as wide as the head's values: the kernel wants it
        assert num_weights(shrunk) < num_weights(model)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.99, 1.0])
def test_threshold_closes_the_gates_up_to_it(threshold):
    model = gated()
    gates = gates_of(model)
    gates.set_means(random_means(gates.layout, 0, 0.3).astype(np.float32))
    values = gates.law.value(gates.means_array())
    masked = copy.deepcopy(model)
    closed = prune(masked, Cut(threshold=threshold))
    assert (closed == (values <= threshold)).all()
    assert difference(masked, shrink(model, threshold=threshold)) < TOLERANCE


@pytest.mark.parametrize("remove", [0.0, 0.2, 0.5, 0.9])
def test_budget_closes_exactly_its_share(remove):
    model = gated()
    gates = gates_of(model)
    means = random_means(gates.layout, 3, 0.3).astype(np.float32)
    gates.set_means(means)
    masked = copy.deepcopy(model)
    closed = prune(masked, Cut(remove=remove))
    assert (closed == gates_to_close(gates.layout, means, remove)).all()
    assert difference(masked, shrink(model, remove=remove)) < TOLERANCE


def test_the_given_model_is_not_changed():
    model = gated(means=0.3, lora_rank=2)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    shrink(model, remove=0.5)
    after = model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_more_removed_is_fewer_parameters_and_needs():
    model = gated()
    gates = gates_of(model)
    means = np.random.default_rng(0).uniform(0, 0.6, gates.layout.num_gates)
    gates.set_means(means.astype(np.float32))
    shrunk = [shrink(model, remove=remove) for remove in (0.2, 0.5, 0.8)]
    sizes = [num_weights(m) for m in shrunk]
    needs = [sum(layer["weights"] for layer in m.config.shrunk_needs) for m in shrunk]
    assert sizes == sorted(sizes, reverse=True) and needs == sorted(needs, reverse=True)
    assert sizes[-1] < sizes[0] and needs[-1] < needs[0]


def test_half_precision_stays():
    assert shrink(gated(means=0.3).bfloat16(), remove=0.3).dtype == torch.bfloat16


def test_float_mask_of_eager_attention_is_understood():
    model = gated(means=0.3)
    shrunk = shrink(model, remove=0.4)
    prune(model, Cut(remove=0.4))
    model.set_attn_implementation("eager")
    shrunk.set_attn_implementation("eager")
    assert difference(model, shrunk) < TOLERANCE


@pytest.mark.parametrize("kind", MODELS.values())
def test_a_shrunk_class_is_found_by_its_name(kind):
    for each in (kind, kind.config_class):
        assert pickle.loads(pickle.dumps(each)) is each


def test_plans_go_through_json():
    for plan in plans_of(shrink(gated(means=0.3), remove=0.4).config):
        assert LayerPlan.from_dict(json.loads(json.dumps(asdict(plan)))) == plan


@pytest.mark.parametrize("content", [{}, {"attention": "dense"}, {"attention": 1}, None])
def test_a_damaged_plan_is_refused(content):
    with pytest.raises(SpecError, match="damaged"):
        LayerPlan.from_dict(content)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"threshold": 0.1, "remove": 0.1}, "give one"),
        ({"threshold": 1.1}, "0 to 1"),
        ({"remove": 1.0}, "below 1"),
        ({"remove": -0.1}, "below 1"),
        ({"tuned_for": "tpu"}, "cuda"),
    ],
)
def test_wrong_arguments_are_refused(options, words):
    with pytest.raises(SpecError, match=words):
        shrink(gated(means=0.3), **options)


def test_a_model_without_gates_has_none_to_close():
    with pytest.raises(ModelError, match="no gates"):
        shrink(toy_model(), remove=0.2)


@given(
    widths=st.lists(st.integers(0, 64), min_size=1, max_size=16),
    machine=st.sampled_from(list(MACHINES.values())),
)
@settings(max_examples=50)
def test_groups_hold_every_head_and_none_is_cut(widths, machine):
    ordered = sorted(widths, reverse=True)
    groups = group_heads(ordered, 4 * 768, machine)
    padded = [width for heads, width in groups for _ in range(heads)]
    assert len(padded) == len(ordered)
    assert all(wide >= width for wide, width in zip(padded, ordered, strict=True))


def num_weights(model):
    return sum(p.numel() for p in model.parameters())
