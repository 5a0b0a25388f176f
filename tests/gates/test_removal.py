"""Closed gates, removed weights and budgets, counted by plain loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finegates.gates.layout import GateLayout
from finegates.gates.removal import (
    gates_to_close,
    histogram,
    open_counts,
    removal,
    removed_by_matrix,
)
from finegates.models.architectures import layout_of_config

CONFIG = {
    "model_type": "bert", "hidden_size": 16, "intermediate_size": 24,
    "num_hidden_layers": 2, "num_attention_heads": 4,
}  # fmt: skip
SIDES = st.sampled_from(["both", "in", "out"])


def kept_by_loops(layout, closed):
    """Weights in open rows and columns of each matrix."""
    masks = {v.name: ~closed[v.slice] for v in layout.vectors}
    kept = []
    for m in layout.matrices:
        rows = masks.get(f"{m.name}.out", np.ones(m.out_features, bool))
        columns = masks.get(f"{m.name}.in", np.ones(m.in_features, bool))
        kept.append(int(np.outer(rows, columns).sum()))
    return np.array(kept)


@given(SIDES, st.integers(0, 10_000), st.floats(0, 1))
def test_removal_counts_the_weights_of_closed_rows_and_columns(sides, seed, share):
    layout = layout_of_config(CONFIG, sides=sides)
    closed = np.random.default_rng(seed).random(layout.num_gates) < share
    kept, found = kept_by_loops(layout, closed), removal(layout, closed)
    assert found.removed_weights == layout.num_gated_weights - kept.sum()
    assert found.closed_gates == closed.sum()
    weights = np.array([m.num_weights for m in layout.matrices])
    assert removed_by_matrix(layout, closed) == pytest.approx(1 - kept / weights)
    assert open_counts(layout, closed).sum() == (~closed).sum()


def test_target_closed_and_removed_are_three_numbers():
    """Closing 47% of every vector removes 72% of the weights."""
    layout = layout_of_config({**CONFIG, "hidden_size": 100, "intermediate_size": 100})
    closed = np.concatenate([np.arange(v.size) < 47 for v in layout.vectors])
    found = removal(layout, closed)
    assert found.closed_gates_fraction == pytest.approx(0.47)
    assert found.removed_weights_fraction == pytest.approx(1 - 0.53**2)


@settings(max_examples=40)
@given(SIDES, st.integers(0, 10_000), st.floats(0, 1))
def test_a_budget_closes_the_lowest_gates_and_no_other_number_comes_nearer(sides, seed, budget):
    layout = layout_of_config(CONFIG, sides=sides)
    means = np.random.default_rng(seed).normal(size=layout.num_gates)
    closed = gates_to_close(layout, means, budget)
    if closed.any() and not closed.all():
        assert means[closed].max() <= means[~closed].min()

    def distance(count):
        mask = np.zeros(layout.num_gates, bool)
        mask[np.argsort(means, kind="stable")[:count]] = True
        return abs(removal(layout, mask).removed_weights_fraction - budget)

    count = int(closed.sum())
    best = min(distance(c) for c in range(layout.num_gates + 1))
    assert distance(count) == pytest.approx(best, abs=1e-12)


def test_no_budget_closes_nothing_and_a_full_one_removes_everything():
    layout = layout_of_config(CONFIG)
    means = np.linspace(-1, 1, layout.num_gates)
    assert not gates_to_close(layout, means, 0.0).any()
    closed = gates_to_close(layout, means, 1.0)
    assert removal(layout, closed).removed_weights_fraction == 1


@given(st.lists(st.floats(0, 1), max_size=60))
def test_histogram_counts_every_gate_once_with_both_ends_apart(values):
    counts = histogram(np.array(values))
    assert len(counts) == 22 and sum(counts) == len(values)
    assert counts[0] == values.count(0) and counts[-1] == values.count(1)


def test_layout_survives_json_and_names_heads():
    layout = layout_of_config(CONFIG)
    assert GateLayout.from_dict(layout.to_dict()) == layout
    by_name = {side.name: side for side in layout.sides}
    assert layout.head_bounds(by_name["0.q.out"]) == [(0, 4), (4, 8), (8, 12), (12, 16)]
    assert layout.head_bounds(by_name["1.o.in"])[-1] == (12, 16)
    assert layout.head_bounds(by_name["0.q.in"]) == []
    assert layout.head_bounds(by_name["0.intermediate.out"]) == []
