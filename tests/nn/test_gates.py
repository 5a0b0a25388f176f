"""Rounding gates to a mask."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from finegates.gates.laws import LAWS
from finegates.models.architectures import layout_of_config
from finegates.nn.gates import Gates

CONFIG = {
    "model_type": "bert", "hidden_size": 8, "intermediate_size": 12,
    "num_hidden_layers": 1, "num_attention_heads": 2,
}  # fmt: skip
ALL_LAWS = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)


@ALL_LAWS
@given(st.integers(0, 1000), st.integers(0, 120))
def test_rounding_closes_exactly_the_asked_gates_and_keeps_their_order(law, seed, count):
    gates = Gates(layout_of_config(CONFIG), law)
    # apart by more than float32 rounds: equal ones have no order to keep
    apart = np.linspace(-0.9, 0.4, gates.layout.num_gates)
    means = np.random.default_rng(seed).permutation(apart)
    closed = np.zeros(len(means), bool)
    closed[np.argsort(means)[:count]] = True
    gates.set_means(means)
    gates.close_exactly(closed)
    assert gates.settled
    values = law.value(gates.means_array())
    assert ((values <= 0) == closed).all()
    after = gates.means_array()
    assert (
        np.argsort(after[closed], kind="stable") == np.argsort(means[closed], kind="stable")
    ).all()


@ALL_LAWS
def test_gates_that_were_open_enough_keep_their_value(law):
    gates = Gates(layout_of_config(CONFIG), law)
    means = np.linspace(-0.4, 0.9, gates.layout.num_gates, dtype=np.float32)
    gates.set_means(means)
    before, closed = gates.means_array(), means < 0
    gates.close_exactly(closed)
    assert (gates.means_array()[~closed] == before[~closed]).all()


@ALL_LAWS
def test_set_means_is_read_back(law):
    gates = Gates(layout_of_config(CONFIG), law)
    means = np.linspace(-0.9, 0.9, gates.layout.num_gates, dtype=np.float32)
    gates.set_means(means)
    assert gates.means_array() == pytest.approx(means, abs=1e-5)


def test_means_that_were_read_do_not_change_with_the_gates():
    gates = Gates(layout_of_config(CONFIG), LAWS["gaussian"])
    means = gates.means_array()
    before = means.copy()
    gates.close_exactly(np.ones(gates.layout.num_gates, dtype=bool))
    assert (means == before).all()


def test_activations_are_cast_once_for_all_that_read_them():
    gates = Gates(layout_of_config(CONFIG), LAWS["gaussian"])
    x = torch.randn(3, 8)
    assert gates.cast(x) is x
    with torch.autocast("cpu", torch.bfloat16):
        first = gates.cast(x)
        assert first.dtype == torch.bfloat16 and gates.cast(x) is first
        assert gates.cast(x.clone()) is not first
    gates.forget_draw()
    with torch.autocast("cpu", torch.bfloat16):
        assert gates.cast(x) is not first
