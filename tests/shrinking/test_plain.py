"""A gated model as the stock class of its type."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import AutoModelForSequenceClassification

from finegates.errors import ModelError
from finegates.gates.removal import gates_to_close
from finegates.gates.units import MATRICES, UNITS
from finegates.nn.attach import gates_of
from finegates.shrinking.cost import num_parameters
from finegates.shrinking.plain import neurons_of, plain
from finegates.shrinking.shrink import prune, shrink
from tests.shrinking.test_shrink import EVERY_TYPE, EXACT, difference, gated, set_random_means
from tests.toy_models import toy_inputs


@EVERY_TYPE
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10_000),
    closed=st.sampled_from([0.0, 0.3, 0.9, 1.0]),
    rank=st.sampled_from([0, 2]),
    units=st.one_of(st.just({MATRICES}), st.sets(st.sampled_from(UNITS), min_size=1)),
)
def test_it_gives_the_gated_models_logits(model_type, seed, closed, rank, units):
    model = gated(model_type, lora_rank=rank, units=tuple(units)).double()
    if set_random_means(model, seed, closed).closed_hidden():
        with pytest.raises(ModelError, match="one hidden size"):
            plain(model)
    else:
        assert difference(model, plain(model)) < EXACT


@EVERY_TYPE
def test_uniform_neurons_lose_nothing_and_a_stock_class_loads_them(model_type, tmp_path):
    model = gated(model_type, units=("neurons",), uniform=True)
    gates = gates_of(model)
    means = np.random.default_rng(0).normal(size=gates.layout.num_gates).astype(np.float32)
    gates.set_means(means)
    gates.close_exactly(gates_to_close(gates.layout, means, 0.25))
    stock = plain(model)
    assert neurons_of(stock) == 16 and neurons_of(model) == 32
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
    assert neurons_of(stock) == 12 and difference(model, stock) < 1e-5
    prune(model, None)
    assert gates_of(model) is gates, "the model itself is as before"


def test_with_no_neuron_left_one_of_zeros_stands_there():
    model = gated(means=-0.9, units=("neurons",))
    assert neurons_of(plain(model)) == 1
