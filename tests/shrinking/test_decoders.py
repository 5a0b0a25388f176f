"""A shrunk decoder gives the gated one's logits and tokens, cached or not, whatever the gates."""

import json

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, GenerationConfig

import finegates.auto  # noqa: F401
from finegates.errors import ModelError, SpecError
from finegates.gates.cuts import cut_of
from finegates.gates.removal import removal
from finegates.gates.units import HIDDEN, PAIRS, UNITS
from finegates.models.architectures import ARCHITECTURES, architecture_of
from finegates.nn.attach import attach_gates, gates_of
from finegates.shrinking.decoder_layers import NoAttention
from finegates.shrinking.loading import plans_of
from finegates.shrinking.plan import CONSTANT, DENSE
from finegates.shrinking.shrink import Shrinker, closed_by, shrink
from tests.shrinking.test_shrink import MACHINES, THRIFTY, set_random_means
from tests.toy_models import DECODER_TYPES, toy_inputs, toy_language_model, toy_model, with_closed

EVERY_TYPE = pytest.mark.parametrize("model_type", DECODER_TYPES)
HEADS = {"classifier": toy_model, "language model": toy_language_model}
EXACT = 2e-6
"""Relative to the largest logit, in float64: the types' own norms compute in float32."""
NEW_TOKENS = 8
PROMPT = torch.tensor([[7, 21, 5, 40, 33], [0, 0, 12, 9, 30]])
PADDED_LEFT = {"input_ids": PROMPT, "attention_mask": (PROMPT != 0).long()}
ONE_ROW = {name: rows[:1] for name, rows in PADDED_LEFT.items()}


def units_of(model_type):
    missing = {HIDDEN} | ({PAIRS} if ARCHITECTURES[model_type].normed_scores else set())
    return [unit for unit in UNITS if unit not in missing]


def gated(model_type="llama", make=toy_language_model, closed=0.5, seed=0, changes=None, **options):
    model = make(model_type, **(changes or {}))
    attach_gates(model, **options)
    set_random_means(model.double(), seed, closed)
    return model.eval()


@torch.no_grad()
def difference(one, other, inputs=None):
    """Of the logits of tokens that are no padding, relative to the largest."""
    inputs = inputs or toy_inputs()
    a, b = one(**inputs).logits, other(**inputs).logits
    seen = inputs["attention_mask"].bool() if a.ndim == 3 else slice(None)
    return float((a - b)[seen].abs().max() / a[seen].abs().max().clamp(min=1e-3))


@EVERY_TYPE
@pytest.mark.parametrize("head", HEADS)
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_shrunk_decoder_gives_the_gated_ones_logits(model_type, head, data):
    units = data.draw(
        st.just(("matrices",)) | st.sets(st.sampled_from(units_of(model_type)), min_size=1)
    )
    rank = data.draw(st.sampled_from([0, 2]))
    model = gated(
        model_type, HEADS[head], data.draw(st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0])),
        data.draw(st.integers(0, 10_000)), units=tuple(units), lora_rank=rank,
    )  # fmt: skip
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("low_rank.b"):
                parameter.copy_(torch.randn_like(parameter))
    smaller = shrink(model, tuned_for=data.draw(st.sampled_from(list(MACHINES.values()))))
    assert difference(model, smaller) < EXACT
    if head == "language model":
        assert difference(model, smaller, PADDED_LEFT) < EXACT


@EVERY_TYPE
def test_the_same_in_float32(model_type):
    for seed in range(4):
        model = gated(model_type, seed=seed, units=("matrices",)).float()
        assert difference(model, shrink(model, tuned_for=THRIFTY)) < 1e-5


@EVERY_TYPE
def test_every_way_to_generate_gives_the_gated_models_tokens(model_type):
    ways = {
        "greedy": {"do_sample": False},
        "beams": {"do_sample": False, "num_beams": 3},
        "static cache": {"do_sample": False, "cache_implementation": "static"},
        "sampling": {"do_sample": True, "temperature": 0.7},
        "no cache": {"do_sample": False, "use_cache": False},
        "prompt lookup": {"do_sample": False, "prompt_lookup_num_tokens": 2},
    }
    for closed, units in ((0.5, ("auto",)), (0.9, ("matrices",)), (1.0, ("auto",))):
        model = gated(model_type, closed=closed, units=units)
        smaller = shrink(model, tuned_for=THRIFTY)
        for way, options in ways.items():
            prompt = ONE_ROW if way == "prompt lookup" else PADDED_LEFT
            told = [generated(one, prompt, options) for one in (model, smaller)]
            assert torch.equal(*told), (way, closed)


def generated(model, prompt, options):
    torch.manual_seed(0)
    return model.generate(
        **prompt, max_new_tokens=NEW_TOKENS, pad_token_id=0, eos_token_id=None, **options
    )


def test_assisted_decoding_gives_the_gated_models_tokens():
    model, dense = gated(closed=0.3), toy_language_model().double()
    smaller = shrink(model, tuned_for=THRIFTY)
    for helper in (dense, smaller):
        options = {"do_sample": False, "assistant_model": helper}
        assert torch.equal(*(generated(one, ONE_ROW, options) for one in (model, smaller)))


@EVERY_TYPE
@torch.no_grad()
def test_token_by_token_with_a_cache_equals_one_pass(model_type):
    model = shrink(gated(model_type), tuned_for=THRIFTY)
    ids = toy_inputs()["input_ids"][:2]
    whole, cache, found = model(input_ids=ids).logits, None, []
    for place in range(ids.shape[1]):
        told = model(input_ids=ids[:, place : place + 1], past_key_values=cache, use_cache=True)
        cache = told.past_key_values
        found.append(told.logits)
    assert torch.allclose(torch.cat(found, 1), whole, rtol=0, atol=1e-6 * float(whole.abs().max()))
    assert cache.get_seq_length() == ids.shape[1]


@torch.no_grad()
def test_the_cache_holds_what_the_plan_says():
    model = shrink(gated(closed=0.5, seed=3), tuned_for=THRIFTY)
    told = model(input_ids=PROMPT[:1], use_cache=True)
    for layer, plan in zip(told.past_key_values.layers, plans_of(model.config), strict=True):
        _, keys, values = plan.attention.widths
        assert layer.keys.numel() == keys * PROMPT.shape[1]
        assert layer.values.numel() == values * PROMPT.shape[1]


def test_groups_of_unequal_shapes_are_computed_by_class():
    closed = {"0.pairs.whole": [0], "0.values.whole": [0, 1, 2], "1.values.whole": [7]}
    model = with_closed(toy_language_model(), ("neurons", "values", "pairs"), closed).double()
    smaller = shrink(model, tuned_for=THRIFTY)
    first, second = (plan.attention.classes for plan in plans_of(smaller.config))
    assert sorted((c.groups, c.pairs, c.values) for c in first) == [(1, 2, 3), (1, 3, 6)]
    assert sorted((c.groups, c.pairs, c.values) for c in second) == [(1, 3, 5), (1, 3, 6)]
    assert difference(model, smaller) < EXACT
    told = [generated(one, PADDED_LEFT, {"do_sample": False}) for one in (model, smaller)]
    assert torch.equal(*told)


@pytest.mark.parametrize(
    ("roles", "left"),
    [
        ({("q", 0): [0]}, 3), ({("q", 0): [3]}, 3), ({("k", 0): [0]}, 3), ({("k", 0): [3]}, 3),
        ({("k", 0): [0, 3]}, 2), ({("q", 0): [0, 3]}, 3), ({("q", 0): [0, 3], ("q", 1): [0, 3]}, 2),
        ({("q", 0): [0], ("k", 0): [3]}, 3),
    ],
)  # fmt: skip
def test_a_pair_goes_when_nothing_of_it_is_left_in_its_group(roles, left):
    closed = {}
    for (role, head), dims in roles.items():
        closed.setdefault(f"0.{role}.out", []).extend(6 * head + dim for dim in dims)
    model = with_closed(toy_language_model(), ("matrices",), closed).double()
    smaller = shrink(model, tuned_for=THRIFTY)
    plan = plans_of(smaller.config)[0].attention
    assert (3 if plan == DENSE else min(one.pairs for one in plan.classes)) == left
    assert difference(model, smaller) < EXACT


ROPES = {
    "llama3": {
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8,
    },
    "yarn": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 8},
    "longrope": {
        "rope_type": "longrope", "factor": 4.0, "original_max_position_embeddings": 6,
        "short_factor": [1.0, 1.1, 1.2], "long_factor": [2.0, 2.5, 3.0],
    },
    "dynamic": {"rope_type": "dynamic", "factor": 2.0},
    "linear": {"rope_type": "linear", "factor": 2.0},
}  # fmt: skip


@pytest.mark.parametrize("rope", ROPES)
def test_every_kind_of_rotary_embedding_stays_exact(rope):
    changes = {"rope_parameters": {"rope_theta": 100.0, **ROPES[rope]}}
    if rope == "dynamic":
        changes["max_position_embeddings"] = 6
    model = gated(closed=0.5, changes=changes)
    smaller = shrink(model, tuned_for=THRIFTY)
    assert any(one.selects for plan in plans_of(smaller.config) for one in plan.attention.classes)
    assert difference(model, smaller) < EXACT


@pytest.mark.parametrize(
    "changes",
    [
        {"num_key_value_heads": 1}, {"num_key_value_heads": 4}, {"head_dim": 8},
        {"attention_bias": True, "mlp_bias": True}, {"tie_word_embeddings": True},
    ],
)  # fmt: skip
@pytest.mark.parametrize("units", [("auto",), ("matrices",)])
def test_heads_of_every_number_and_width_biases_and_ties(changes, units):
    for seed in range(3):
        model = gated(changes=changes, units=units, seed=seed)
        smaller = shrink(model, tuned_for=THRIFTY)
        assert difference(model, smaller) < EXACT


def test_no_bias_is_made_that_the_dense_model_has_not():
    smaller = shrink(gated(closed=0.5), tuned_for=THRIFTY)
    made = [name for name, _ in smaller.named_parameters() if name.endswith("bias")]
    assert not made


def test_heads_that_do_not_divide_evenly_are_refused():
    with pytest.raises(ModelError, match="4 heads and 3 of keys and values"):
        attach_gates(toy_language_model(num_key_value_heads=3))


@pytest.mark.parametrize("layers", [[0], [0, 1]])
def test_layers_without_attention_still_count_tokens(layers):
    closed = {f"{layer}.sublayers.attention": [0] for layer in layers}
    model = with_closed(toy_language_model(), ("sublayers",), closed).double()
    smaller = shrink(model, tuned_for=THRIFTY)
    assert isinstance(smaller.model.layers[0].self_attn, NoAttention)
    told = [generated(one, PADDED_LEFT, {"do_sample": False}) for one in (model, smaller)]
    assert torch.equal(*told)


@EVERY_TYPE
def test_structures_remove_what_is_counted_to_the_last_weight(model_type):
    for seed in range(3):
        model = gated(model_type, seed=seed, closed=0.0)
        layout = gates_of(model).layout
        closed = np.random.default_rng(seed).random(layout.num_gates) < 0.5
        for vector in layout.vectors:  # a group without a pair or value would be gone as a whole
            for start, _ in layout.heads_of(vector) or [(0, 0)]:
                closed[vector.start + start] = False
        gates_of(model).close_exactly(closed)
        counted = removal(gates_of(model).layout, gates_of(model).closed_array())
        needs = shrink(model, tuned_for=THRIFTY).config.shrunk_needs
        left = gates_of(model).layout.num_gated_weights - sum(n["weights"] for n in needs)
        assert left == counted.removed_weights


def test_neurons_stay_where_the_activation_of_nothing_is_something():
    for activation, neurons in (("silu", 0), ("gelu", 0), ("relu", 0), ("sigmoid", 32)):
        model = toy_language_model(hidden_act=activation)
        model = with_closed(model, ("matrices",), {"0.gate.out": range(32)}).double()
        smaller = shrink(model, tuned_for=THRIFTY)
        plan = plans_of(smaller.config)[0].feed_forward
        assert (0 if plan == CONSTANT else plan.outer.columns if plan != DENSE else 32) == neurons
        assert difference(model, smaller) < EXACT


@EVERY_TYPE
def test_loads_again_as_what_it_is(model_type, tmp_path):
    kinds = {
        "classifier": AutoModelForSequenceClassification,
        "language model": AutoModelForCausalLM,
    }
    for head, make in HEADS.items():
        smaller = shrink(gated(model_type, make).float(), tuned_for=THRIFTY)
        smaller.save_pretrained(tmp_path / head)
        again = kinds[head].from_pretrained(tmp_path / head)
        assert type(again) is type(smaller)
        assert difference(smaller, again) == 0


def test_ties_and_how_to_generate_are_kept(tmp_path):
    model = gated(changes={"tie_word_embeddings": True}).float()
    model.generation_config = GenerationConfig(max_new_tokens=3, eos_token_id=2, pad_token_id=0)
    smaller = shrink(model, tuned_for=THRIFTY)
    assert smaller.lm_head.weight is smaller.model.embed_tokens.weight
    smaller.save_pretrained(tmp_path)
    again = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert again.lm_head.weight is again.model.embed_tokens.weight
    assert again.generation_config.max_new_tokens == 3
    assert difference(smaller, again) == 0


def test_a_damaged_folder_is_refused(tmp_path):
    shrink(gated().float(), tuned_for=THRIFTY).save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    config = json.loads(path.read_text())
    config["shrunk_layers"][0]["attention"]["projections"][0]["rows"] += 1
    path.write_text(json.dumps(config))
    with pytest.raises(ModelError, match="do not fit its config"):
        AutoModelForCausalLM.from_pretrained(tmp_path)


def test_many_cuts_of_one_model_are_those_that_shrink_makes():
    model = gated(closed=0.0)
    shrinker = Shrinker(model, THRIFTY)
    for threshold in (0.0, 0.4, 0.9):
        closed = closed_by(gates_of(model), cut_of({"threshold": threshold}))
        at_once = shrink(model, threshold=threshold, tuned_for=THRIFTY)
        assert difference(shrinker.at(closed), at_once) < EXACT


def test_what_a_decoder_can_not_have_is_one_sentence():
    with pytest.raises(SpecError, match="divide by all dimensions"):
        attach_gates(toy_language_model(), units=("hidden",))
    with pytest.raises(SpecError, match="norms the queries and keys"):
        attach_gates(toy_language_model("qwen3"), units=("pairs",))
    with pytest.raises(ModelError, match="hold several matrices in one; supported types are bert"):
        architecture_of("phi3")
