"""A smaller model whose residual stream is narrower."""

import pickle
import re

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification

import finegates.auto
from finegates.errors import ModelError
from finegates.gates.cuts import Cut
from finegates.gates.laws import GaussianLaw
from finegates.gates.removal import closing_order, counted_removal, gates_to_close
from finegates.measuring.candidates import candidates, without_gates
from finegates.models.architectures import ARCHITECTURES
from finegates.nn.attach import attach_gates, gates_of
from finegates.nn.model_parts import answering_linear
from finegates.shrinking.cost import (
    computed_cost,
    dense_cost,
    mac_ratio,
    needed_cost,
    num_dense_parameters,
    num_parameters,
)
from finegates.shrinking.counted import counting_of
from finegates.shrinking.loading import stream_width
from finegates.shrinking.models import Shrunk
from finegates.shrinking.plan import CONSTANT
from finegates.shrinking.shrink import prune
from tests.shrinking.test_shrink import EVERY_TYPE, EXACT, TOLERANCE, difference, shrink
from tests.toy_models import toy_inputs, toy_model

HIDDEN = "all.hidden.whole"
UNITS = pytest.mark.parametrize(
    "units", [("hidden",), ("hidden", "heads", "neurons"), ("hidden", "structures", "sublayers")]
)
KINDS = pytest.mark.parametrize(
    ("model_type", "changes"),
    [
        ("electra", {"embedding_size": 8}),
        ("electra", {"embedding_size": 24}),
        ("distilbert", {"sinusoidal_pos_embds": True}),
        ("bert", {"chunk_size_feed_forward": 3, "hidden_act": "relu"}),
    ],
)


def gated(model_type="bert", units=("hidden",), closed=5, uniform=False, **changes):
    """In float64; so many dimensions closed, the other gates in between and some of them closed."""
    model = toy_model(model_type, **changes)
    gates = attach_gates(model, GaussianLaw(), units=units, uniform=uniform)
    model.double()
    rng = np.random.default_rng(0)
    means = rng.uniform(-0.9, 0.7, gates.layout.num_gates)
    hidden = gates.layout.hidden
    order = rng.permutation(hidden.size)
    means[hidden.start + order] = np.where(
        np.arange(hidden.size) < closed, -0.9, rng.uniform(-0.4, 0.7, hidden.size)
    )
    gates.set_means(means)
    return model.eval()


@KINDS
@UNITS
def test_other_shapes_of_models_give_the_gated_ones_logits(model_type, changes, units, tmp_path):
    model = gated(model_type, units, **changes)
    shrunk = shrink(model)
    assert difference(model, shrunk) < EXACT and stream_width(shrunk.config) == 11
    shrunk.save_pretrained(tmp_path)
    loaded = finegates.auto.load(tmp_path, dtype=torch.float64)
    assert difference(model, loaded.eval()) < EXACT


@EVERY_TYPE
def test_embeddings_norms_and_the_heads_columns_go(model_type):
    shrunk = shrink(gated(model_type))
    widths = {
        name: tuple(tensor.shape)
        for name, tensor in shrunk.state_dict().items()
        if "embeddings" in name or re.search("layer_?norm", name, re.IGNORECASE)
    }
    assert all(shape[-1] == 11 for shape in widths.values()), widths
    reader = shrunk.get_submodule(ARCHITECTURES[model_type].reader)
    assert (reader.in_features, reader.out_features) == (11, 11)
    assert reader.weight.shape == (11, 11)
    path, _ = answering_linear(toy_model(model_type))
    assert shrunk.get_submodule(path).weight.shape[1] == 11
    assert shrunk.get_input_embeddings().embedding_dim == 11


@EVERY_TYPE
@pytest.mark.parametrize("closed", [15, 16], ids=["one left", "none left"])
def test_the_last_dimension_stays_and_is_zero_if_it_is_closed(model_type, closed):
    model = gated(model_type, closed=closed)
    shrunk = shrink(model)
    assert stream_width(shrunk.config) == 1
    assert difference(model, shrunk) < EXACT
    if closed == 16:
        assert all(layer["weights"] == 0 for layer in shrunk.config.shrunk_needs)
        assert {layer["attention"] for layer in shrunk.config.shrunk_layers} == {CONSTANT}
        rows = shrunk(**toy_inputs()).logits
        assert torch.allclose(rows, rows[:1].expand_as(rows)), "it answers every row alike"


def test_nothing_closed_leaves_the_stream_as_wide_as_it_was():
    model = gated(closed=0)
    shrunk = shrink(model)
    assert difference(model, shrunk) < EXACT
    assert shrunk.config.shrunk_hidden is None and stream_width(shrunk.config) == 16


@EVERY_TYPE
def test_it_is_saved_loaded_and_pickled(model_type, tmp_path):
    model = gated(model_type, ("hidden", "heads", "neurons"))
    shrunk = shrink(model)
    shrunk.save_pretrained(tmp_path)
    loaded = AutoModelForSequenceClassification.from_pretrained(tmp_path, dtype=torch.float64)
    assert isinstance(loaded, Shrunk) and loaded.config.shrunk_hidden == 11
    assert loaded.config.hidden_size == 16
    for other in (loaded.eval(), pickle.loads(pickle.dumps(shrunk))):
        assert difference(model, other) < EXACT


def test_a_new_head_may_be_put_on(tmp_path):
    shrink(gated("roberta")).save_pretrained(tmp_path)
    loaded = AutoModelForSequenceClassification.from_pretrained(
        tmp_path, num_labels=5, ignore_mismatched_sizes=True
    )
    assert loaded(**toy_inputs()).logits.shape == (3, 5)


@pytest.mark.parametrize("width", [0, 17, "wide", 10])
def test_a_damaged_width_is_refused(width, tmp_path):
    shrunk = shrink(gated())
    shrunk.config.shrunk_hidden = width
    shrunk.save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="shrunk_hidden|do not fit"):
        finegates.auto.load(tmp_path)


def test_products_are_counted_where_they_went():
    model = gated()
    gates = gates_of(model)
    values = np.full(gates.layout.num_gates, 0.6)
    values[:8] = -0.9
    gates.set_means(values)
    shrunk = shrink(model)
    dense, needed, computed = dense_cost(shrunk.config), needed_cost(shrunk), computed_cost(shrunk)
    assert dense == dense_cost(toy_model().config)
    assert needed.products_per_token * 2 == dense.products_per_token
    assert computed.products_per_token == needed.products_per_token
    assert needed.score_products == computed.score_products == dense.score_products
    assert mac_ratio(shrunk, 1) < 2
    assert gates.removal().removed_weights_fraction == 0.5


@pytest.mark.parametrize("uniform", [False, True])
@pytest.mark.parametrize("remove", [0.0, 0.3, 0.6, 0.9])
def test_a_budget_is_met_and_what_is_counted_goes(uniform, remove):
    model = gated(units=("hidden", "heads", "neurons"), uniform=uniform)
    gates = gates_of(model)
    shrunk = shrink(model, remove=remove)
    prune(model, Cut(remove=remove))
    assert difference(model, shrunk) < EXACT
    removed = gates.removal()
    largest = max(1 / 16, 1 / 32 * 2 * (1 + uniform))
    assert abs(removed.removed_weights_fraction - remove) <= largest
    kept = gates.layout.num_gated_weights - removed.removed_weights
    assert sum(layer["weights"] for layer in shrunk.config.shrunk_needs) <= kept


def test_in_a_uniform_layout_they_close_one_by_one():
    gates = gates_of(gated(units=("hidden", "neurons"), uniform=True))
    order = closing_order(gates.layout, gates.means_array())
    hidden = gates.layout.hidden.slice
    for start, end in zip(order.ends[:-1], order.ends[1:], strict=True):
        bundle = order.gates[start:end]
        of_model = (bundle >= hidden.start).sum()
        assert (len(bundle), of_model) in ((1, 1), (2, 0))


@EVERY_TYPE
def test_the_dense_one_of_a_comparison_has_its_full_size(model_type):
    model = gated(model_type, ("hidden", "neurons"))
    dense, stock = without_gates(model), toy_model(model_type)
    shapes = {name: tensor.shape for name, tensor in stock.state_dict().items()}
    assert {name: tensor.shape for name, tensor in dense.state_dict().items()} == shapes
    assert gates_of(model).closed_hidden() == 5


@pytest.mark.parametrize("closed", [0, 5])
def test_a_comparison_knows_whether_its_dense_one_answers(closed):
    forms = candidates(gated(closed=closed).float(), Cut(remove=0.6))
    assert forms.dense_answers == (closed == 0)
    masked, shrunk = forms.models["masked"], forms.models["shrunk"]
    assert stream_width(shrunk.config) < 11 and difference(masked, shrunk) < TOLERANCE


def test_half_precision_stays():
    model = gated().bfloat16()
    shrunk = shrink(model)
    assert shrunk.dtype == torch.bfloat16
    assert difference(model.float(), shrunk.float()) < 0.1


def test_float32_is_as_near_as_of_any_gates():
    model = gated(units=("hidden", "heads", "neurons")).float()
    assert difference(model, shrink(model, tuned_for="cpu")) < TOLERANCE


@EVERY_TYPE
def test_a_budget_of_parameters_is_what_the_narrower_model_lacks(model_type):
    model = gated(model_type, closed=0)
    gates = gates_of(model)
    counting = counting_of(model.config, gates.layout, "parameters")
    closed = gates_to_close(gates.layout, gates.means_array(), 0.3, counting)
    gates.close_exactly(closed)
    lacks = 1 - num_parameters(shrink(model)) / num_dense_parameters(model.config)
    counted = counted_removal(gates.layout, closed, counting)
    assert lacks == pytest.approx(counted, abs=1e-9) and counted == pytest.approx(0.3, abs=0.04)
