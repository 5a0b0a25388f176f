"""A gated decoder as the stock class of its type, which keeps its logits and its tokens."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

from finegates.nn.attach import attach_gates, gates_of
from finegates.nn.model_parts import size_of
from finegates.shrinking.cost import num_parameters
from finegates.shrinking.plain import plain
from finegates.shrinking.shrink import shrink
from tests.shrinking.test_decoders import (
    EVERY_TYPE,
    EXACT,
    HEADS,
    PADDED_LEFT,
    difference,
    gated,
    generated,
    units_of,
)
from tests.toy_models import toy_language_model, with_closed

LOADS = {
    "classifier": AutoModelForSequenceClassification, "language model": AutoModelForCausalLM,
}  # fmt: skip


def half_of_each_layer(model_type="llama", make=toy_language_model, **changes):
    """Half of the neurons and of the heads of keys and values are closed in every layer."""
    model = make(model_type, **changes)
    layout = attach_gates(model, units=("plain",), uniform=True).layout
    draw = np.random.default_rng(0).permutation
    closed = [draw(vector.size) < vector.size // 2 for vector in layout.vectors]
    gates_of(model).close_exactly(np.concatenate(closed))
    return model.eval()


def without_groups(closed, **changes):
    """A Llama with these heads of keys and values closed, by layer."""
    chosen = {f"{layer}.heads.whole": groups for layer, groups in closed.items()}
    return with_closed(toy_language_model(**changes), ("heads",), chosen).double()


@EVERY_TYPE
@pytest.mark.parametrize("head", HEADS)
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_it_gives_the_gated_models_logits(model_type, head, data):
    units = data.draw(
        st.just(("matrices",)) | st.sets(st.sampled_from(units_of(model_type)), min_size=1)
    )
    model = gated(
        model_type, HEADS[head], data.draw(st.sampled_from([0.0, 0.3, 0.9, 1.0])),
        data.draw(st.integers(0, 10_000)), units=tuple(units),
        lora_rank=data.draw(st.sampled_from([0, 2])),
    )  # fmt: skip
    stock = plain(model)
    assert type(stock) is type(model)
    assert difference(model, stock) < EXACT
    if head == "language model":
        assert difference(model, stock, PADDED_LEFT) < EXACT


@EVERY_TYPE
def test_it_writes_on_with_the_gated_models_tokens(model_type):
    for closed in (0.3, 0.9):
        model = gated(model_type, closed=closed, units=("plain",))
        told = [generated(one, PADDED_LEFT, {"do_sample": False}) for one in (model, plain(model))]
        assert torch.equal(*told)


@EVERY_TYPE
@pytest.mark.parametrize("head", HEADS)
def test_gates_of_the_preset_plain_lose_nothing_and_a_stock_class_loads_them(
    model_type, head, tmp_path
):
    model = half_of_each_layer(model_type, HEADS[head])
    stock = plain(model)
    assert size_of(stock, "intermediate") == 16 and size_of(model, "intermediate") == 32
    assert num_parameters(stock) == num_parameters(shrink(model))
    stock.save_pretrained(tmp_path)
    loaded = LOADS[head].from_pretrained(tmp_path).eval()
    assert type(loaded) is type(model) and type(loaded).__module__.startswith("transformers.")
    config = loaded.config
    assert (config.num_attention_heads, config.num_key_value_heads, config.head_dim) == (2, 1, 6)
    assert difference(model, loaded) < 1e-5


def test_unequal_layers_keep_what_the_one_that_needs_most_has():
    changes = {"num_attention_heads": 8, "num_key_value_heads": 4}
    model = without_groups({0: [1, 3], 1: [0, 1, 2]}, **changes)
    stock = plain(model)
    assert stock.config.num_key_value_heads == 2 and stock.config.num_attention_heads == 4
    assert stock.model.layers[1].self_attn.k_proj.weight[6:].eq(0).all()
    assert difference(model, stock) < EXACT
    assert model.config.num_key_value_heads == 4, "the model itself is as before"


def test_as_many_heads_stay_as_a_llama_can_have(tmp_path):
    """Three of four groups would be 6 heads, which do not divide 16."""
    changes = {"num_attention_heads": 8, "num_key_value_heads": 4}
    model = without_groups({0: [0], 1: [3]}, **changes)
    stock = plain(model)
    assert stock.config.num_attention_heads == 8
    stock.save_pretrained(tmp_path)
    assert difference(model, AutoModelForCausalLM.from_pretrained(tmp_path).double()) < 1e-5


def test_a_decoder_without_any_head_or_neuron_keeps_one_of_zeros():
    model = gated(units=("plain",))
    gates_of(model).close_exactly(np.ones(gates_of(model).layout.num_gates, dtype=bool))
    stock = plain(model)
    assert stock.config.num_key_value_heads == 1 and size_of(stock, "intermediate") == 1
    assert difference(model, stock) < EXACT


def test_what_is_constant_stays_as_no_stock_class_has_a_bias_for_it():
    model = gated("qwen2", units=("matrices",), seed=1)
    gates = gates_of(model)
    closed = np.zeros(gates.layout.num_gates, dtype=bool)
    closed[gates.layout.vectors[gates.layout.places["0.v.in"]].slice] = True
    gates.close_exactly(closed)
    stock = plain(model)
    assert stock.config.num_key_value_heads == 2
    assert stock.model.layers[0].self_attn.o_proj.bias is None
    assert difference(model, stock) < EXACT


def test_ties_stay():
    stock = plain(gated(changes={"tie_word_embeddings": True}, units=("plain",)))
    assert stock.lm_head.weight is stock.model.embed_tokens.weight
