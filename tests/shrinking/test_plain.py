"""A gated model as the stock class of its type."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import AutoModelForSequenceClassification

from finegates.errors import ModelError
from finegates.gates.cuts import Cut
from finegates.gates.laws import GaussianLaw
from finegates.gates.removal import gates_to_close
from finegates.gates.units import MATRICES, UNITS
from finegates.nn.attach import attach_gates, gates_of
from finegates.nn.model_parts import size_of
from finegates.shrinking.cost import num_dense_parameters, num_parameters
from finegates.shrinking.plain import plain
from finegates.shrinking.shrink import prune, shrink
from tests.shrinking.test_shrink import EVERY_TYPE, EXACT, difference, gated, set_random_means
from tests.toy_models import toy_inputs, toy_model


def with_open(model, open_of):
    """Closes all gates of each kind but so many, which ones differs, and returns the model."""
    gates, rng = gates_of(model), np.random.default_rng(0)
    means = rng.uniform(-0.4, 0.7, gates.layout.num_gates)
    for vector in gates.layout.vectors:
        closed = rng.permutation(vector.size)[open_of.get(vector.kind, vector.size) :]
        means[vector.start + closed] = -0.9
    gates.set_means(means.astype(np.float32))
    return model


def shape_of(model):
    return tuple(size_of(model, what) for what in ("hidden", "heads", "intermediate"))


@EVERY_TYPE
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10_000),
    closed=st.sampled_from([0.0, 0.3, 0.9, 1.0]),
    rank=st.sampled_from([0, 2]),
    units=st.one_of(st.just({MATRICES}), st.sets(st.sampled_from(UNITS), min_size=1)),
)
def test_it_gives_the_gated_models_logits_or_says_why_not(model_type, seed, closed, rank, units):
    model = gated(model_type, lora_rank=rank, units=tuple(units)).double()
    set_random_means(model, seed, closed)
    try:
        stock = plain(model)
    except ModelError as error:
        assert gates_of(model).closed_hidden() and "would fit" in str(error)
    else:
        assert difference(model, stock) < EXACT


@EVERY_TYPE
@pytest.mark.parametrize(
    ("hidden", "heads", "shape"),
    [
        (8, 2, (8, 2, 20)),  # as many dimensions as the heads have
        (12, 2, (12, 2, 20)),  # heads of 6 in place of 4
        (12, 1, (12, 1, 20)),
        (15, 2, (15, 3, 20)),  # a head of zeros
        (7, 0, (7, 1, 20)),
        (1, 0, (1, 1, 20)),
        (0, 0, (1, 1, 1)),
    ],
)
def test_a_narrower_stream_is_a_hidden_size_where_heads_divide_it(
    model_type, hidden, heads, shape, tmp_path
):
    model = gated(model_type, units=("hidden", "heads", "neurons"), lora_rank=2).double()
    with_open(model, {"hidden": hidden, "heads": heads, "neurons": 20})
    stock = plain(model)
    assert shape_of(stock) == shape and difference(model, stock) < EXACT
    assert num_parameters(stock) == num_dense_parameters(stock.config)
    stock.save_pretrained(tmp_path)
    loaded = AutoModelForSequenceClassification.from_pretrained(tmp_path, dtype=torch.float64)
    assert type(loaded) is type(model) and difference(model, loaded.eval()) < EXACT


@EVERY_TYPE
@pytest.mark.parametrize(
    ("hidden", "heads", "fits"),
    [(9, 2, "8 with at most 2"), (7, 2, "4 with at most 1"), (3, 1, "4 with at most 1")],
)
def test_where_they_do_not_it_is_said_what_would(model_type, hidden, heads, fits):
    model = gated(model_type, units=("hidden", "heads"))
    with pytest.raises(ModelError, match=f"hidden {fits} of 4 heads of 4 would fit"):
        plain(with_open(model, {"hidden": hidden, "heads": heads}))


@EVERY_TYPE
def test_in_multiples_of_a_heads_width_budgets_fit(model_type):
    units = ("hidden", "heads", "neurons")
    model = gated(model_type, units=units, uniform=True, multiple=4).double()
    gates = set_random_means(model, 0, 0.3)
    means = gates.means_array()
    for remove in (0.2, 0.4, 0.6, 0.8):
        stock = plain(model, Cut(remove=remove))
        gates.close_exactly(gates_to_close(gates.layout, means, remove))
        assert shape_of(stock)[0] % 4 == 0 and difference(model, stock) < EXACT
        gates.set_means(means)


@pytest.mark.parametrize(("hidden", "fits"), [(12, True), (8, False)])
def test_of_electra_with_a_projection_the_sizes_have_to_differ(hidden, fits):
    model = toy_model("electra", embedding_size=8)
    attach_gates(model, GaussianLaw(), units=("hidden", "heads"))
    with_open(model.double(), {"hidden": hidden, "heads": 2})
    if not fits:
        with pytest.raises(ModelError, match="no projection"):
            plain(model)
        return
    stock = plain(model)
    assert (stock.config.embedding_size, stock.config.hidden_size) == (8, 12)
    assert difference(model, stock) < EXACT


def test_sinusoidal_positions_are_narrower_too():
    model = toy_model("distilbert", sinusoidal_pos_embds=True)
    attach_gates(model, GaussianLaw(), units=("hidden", "heads"))
    with_open(model.double(), {"hidden": 8, "heads": 2})
    assert difference(model, plain(model)) < EXACT


@EVERY_TYPE
def test_uniform_neurons_lose_nothing_and_a_stock_class_loads_them(model_type, tmp_path):
    model = gated(model_type, units=("neurons",), uniform=True)
    gates = gates_of(model)
    means = np.random.default_rng(0).normal(size=gates.layout.num_gates).astype(np.float32)
    gates.set_means(means)
    gates.close_exactly(gates_to_close(gates.layout, means, 0.25))
    stock = plain(model)
    assert size_of(stock, "intermediate") == 16 and size_of(model, "intermediate") == 32
    assert num_parameters(stock) == num_parameters(shrink(model))
    stock.save_pretrained(tmp_path)
    loaded = AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    assert type(loaded) is type(model) and not type(loaded).__module__.startswith("finegates")
    with torch.no_grad():
        expected, given = (m(**toy_inputs()).logits for m in (model, loaded))
    assert torch.allclose(given, expected, atol=1e-5)


def test_unequal_layers_keep_as_many_as_the_one_that_needs_most():
    model = gated(units=("neurons",))
    gates = gates_of(model)
    means = np.full(gates.layout.num_gates, 0.6, dtype=np.float32)
    means[:30] = means[32 : 32 + 20] = -0.9  # of layer 0 two neurons are left, of layer 1 twelve
    gates.set_means(means)
    stock = plain(model)
    assert size_of(stock, "intermediate") == 12 and difference(model, stock) < 1e-5
    prune(model, None)
    assert gates_of(model) is gates, "the model itself is as before"


def test_with_no_neuron_left_one_of_zeros_stands_there():
    model = gated(means=-0.9, units=("neurons",))
    assert size_of(plain(model), "intermediate") == 1
