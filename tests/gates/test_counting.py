"""What a budget counts: weights, parameters, products, time."""

import numpy as np
import pytest

from finegates.errors import SpecError
from finegates.gates.counting import (
    COUNTS,
    LayerTimes,
    parameters_counted,
    products_counted,
    time_counted,
    weights_counted,
)
from finegates.gates.cuts import counted_cut, gates_to_prune
from finegates.gates.laws import GaussianLaw
from finegates.gates.removal import counted_removal, gates_to_close, removal
from finegates.gates.units import MATRICES
from finegates.models.architectures import layout_of_config
from tests.gates.test_units import CONFIG

LENGTH = 10
OF_STREAM = 2 * (4 * 16 * 16 + 2 * 16 * 32 + 2 * 16) + 160
OF_HEAD = 16 * 16
GATED, BIASES = 2 * (4 * 16 * 16 + 2 * 16 * 32), 2 * (5 * 16 + 32)
TIMES = LayerTimes(3.0, 5.0, 1.0, 2.0, num_layers=2, device="cpu", batch_size=1, length=LENGTH)
EVERY_UNIT = pytest.mark.parametrize(
    "units",
    [(MATRICES,), ("heads", "neurons"), ("structures",), ("hidden", "neurons", "sublayers")],
)


def countings(layout):
    return {
        "weights": weights_counted(layout),
        "parameters": parameters_counted(layout, 2 * (GATED + BIASES), OF_STREAM, OF_HEAD),
        "products": products_counted(layout, LENGTH),
        "time": time_counted(layout, TIMES),
    }


def random_means(layout, seed=0):
    return np.random.default_rng(seed).normal(size=layout.num_gates).astype(np.float32)


@EVERY_UNIT
def test_shares_add_up_and_open_gates_remove_nothing(units):
    layout = layout_of_config(CONFIG, units=units)
    assert {*countings(layout)} == {*COUNTS}
    outside = {"weights": 0.0, "parameters": 0.5, "products": 0.0, "time": 4 / 20}
    stream = {"parameters": 160 / (2 * (GATED + BIASES)), "time": 4 / 20} if layout.hidden else {}
    head = {"parameters": OF_HEAD / (2 * (GATED + BIASES))} if layout.hidden else {}
    for name, counting in countings(layout).items():
        assert counting.counts == name
        ungated = counting.fixed + counting.stream + counting.head
        assert ungated == pytest.approx(outside[name])
        assert counting.stream == pytest.approx(stream.get(name, 0.0))
        assert counting.head == pytest.approx(head.get(name, 0.0))
        shares = outside[name] + counting.matrices.sum() + counting.rows.sum()
        assert shares == pytest.approx(1)
        nothing = np.zeros(layout.num_gates, dtype=bool)
        assert counted_removal(layout, nothing, counting) == pytest.approx(0)
        if units == (MATRICES,):
            assert counted_removal(layout, ~nothing, counting) == pytest.approx(1 - counting.fixed)


@EVERY_UNIT
def test_of_weights_it_is_the_removal(units):
    layout = layout_of_config(CONFIG, units=units)
    closed = random_means(layout) < 0.2
    ours = counted_removal(layout, closed, weights_counted(layout))
    assert ours == pytest.approx(removal(layout, closed).removed_weights_fraction)


def test_products_and_times_are_those_of_heads_and_neurons_that_are_left():
    layout = layout_of_config(CONFIG, units=("heads", "neurons"))
    closed = np.zeros(layout.num_gates, dtype=bool)
    for name, number in (("0.heads.whole", 1), ("1.neurons.whole", 8)):
        start = layout.vectors[layout.places[name]].start
        closed[start : start + number] = True
    a_head, eight_neurons = 4 * 4 * 16 + 2 * 4 * LENGTH, 8 * 2 * 16
    dense = GATED + 2 * 2 * 16 * LENGTH
    counted = counted_removal(layout, closed, products_counted(layout, LENGTH))
    assert counted == pytest.approx((a_head + eight_neurons) / dense)
    timed = counted_removal(layout, closed, time_counted(layout, TIMES))
    assert timed == pytest.approx((3.0 / 4 + 5.0 / 4) / 20)
    parameters = counted_removal(layout, closed, parameters_counted(layout, 10_000))
    assert parameters == pytest.approx((4 * 4 * 16 + 3 * 4 + eight_neurons + 8) / 10_000)


DECODER = CONFIG | {"model_type": "llama", "num_key_value_heads": 2, "head_dim": 6}


@pytest.mark.parametrize(
    ("name", "weights", "products", "part"),
    [
        ("neurons", 3 * 16, 0, 5.0 / 32),
        ("values", (1 + 2) * 16, 2, None),  # a row of v, a column of o in each of two heads
        ("pairs", 2 * (1 + 2) * 16, 2 * 2, None),  # two rows of k, two of q in each of two heads
        ("heads", (2 * 6 + 2 * 12) * 16, 2 * 2 * 6, 3.0 / 2),  # with both of its query heads
    ],
)
def test_a_decoders_structures_count_with_all_their_rows_and_columns(name, weights, products, part):
    layout = layout_of_config(DECODER, units=("structures", "heads"))
    closed = np.zeros(layout.num_gates, dtype=bool)
    closed[layout.vectors[layout.places[f"1.{name}.whole"]].start + 1] = True
    gated = 2 * (2 * 16 * 24 + 2 * 16 * 12 + 3 * 16 * 32)
    assert layout.num_gated_weights == gated
    removed = counted_removal(layout, closed, weights_counted(layout))
    assert removed == pytest.approx(weights / gated)
    removed = counted_removal(layout, closed, parameters_counted(layout, 3 * gated))
    assert removed == pytest.approx(weights / gated / 3)  # no biases
    dense = gated + 2 * 2 * 24 * LENGTH  # scores and averages of 4 heads of 6
    removed = counted_removal(layout, closed, products_counted(layout, LENGTH))
    assert removed == pytest.approx((weights + products * LENGTH) / dense)
    if part is not None:
        timed = counted_removal(layout, closed, time_counted(layout, TIMES))
        assert timed == pytest.approx(part / 20)


@EVERY_UNIT
@pytest.mark.parametrize("asked", [0.05, 0.2, 0.4])
def test_a_budget_is_met_to_the_nearest_gate_in_whatever_is_counted(units, asked):
    layout = layout_of_config(CONFIG, units=units)
    means = random_means(layout, 1)
    order = np.argsort(means, kind="stable")
    for counting in countings(layout).values():
        closed = gates_to_close(layout, means, asked, counting)
        reached = []
        for number in range(layout.num_gates + 1):
            mask = np.zeros(layout.num_gates, dtype=bool)
            mask[order[:number]] = True
            reached.append(abs(counted_removal(layout, mask, counting) - asked))
        assert abs(counted_removal(layout, closed, counting) - asked) <= min(reached) + 1e-12
        assert closed[order[: closed.sum()]].all(), "the lowest"


def test_a_cut_counted_in_something_else_is_a_cut_in_weights_that_closes_the_same():
    layout = layout_of_config(CONFIG, units=("heads", "neurons"))
    means = random_means(layout, 2)
    for counting in countings(layout).values():
        cut = counted_cut(layout, means, 0.3, counting)
        asked = gates_to_close(layout, means, 0.3, counting)
        assert (gates_to_prune(layout, GaussianLaw(), means, cut) == asked).all()


def test_more_than_all_gates_remove_is_refused_in_words():
    layout = layout_of_config(CONFIG, units=("neurons",))
    with pytest.raises(SpecError, match="60% of the model's parameters .* remove 24.4%"):
        counted_cut(layout, random_means(layout), 0.6, countings(layout)["parameters"])
    with pytest.raises(SpecError, match="remove is 1.2"):
        counted_cut(layout, random_means(layout), 1.2, countings(layout)["weights"])
