"""Timing runs every pass equally often, in turns, and reads the clock right."""

import time

import pytest

from finegates.errors import SpecError
from finegates.measuring.timing import clock_of, cuda_graph, interleaved, median_ratio, spread


def test_passes_alternate_in_an_order_that_turns_round():
    order = []
    passes = {name: lambda n=name: (order.append(n), time.sleep(0.002)) for name in "ab"}
    times = interleaved(passes, 4)
    assert "".join(order[-8:]) == "baabbaab"
    assert [len(times[name]) for name in "ab"] == [4, 4]


def test_a_pass_that_is_slow_at_first_is_warmed_up():
    lasting = iter([0.03, 0.03, 0.003])
    times = interleaved({"a": lambda: time.sleep(next(lasting, 0.003))}, 5)
    assert max(times["a"]) < 0.03


def test_the_clock_tells_seconds():
    before = time.perf_counter()
    told = clock_of("cpu")(lambda: time.sleep(0.02))
    assert 0.02 <= told <= time.perf_counter() - before


def test_a_ratio_is_of_passes_of_one_round():
    assert median_ratio([2, 20, 4], [1, 10, 4]) == 2


def test_spread_is_named():
    assert spread([1.0, 2.0, 3.0]) == {
        "median": 2.0, "p10": pytest.approx(1.2), "p90": pytest.approx(2.8),
    }  # fmt: skip


def test_cuda_graphs_need_cuda():
    with pytest.raises(SpecError, match="--device"):
        cuda_graph(lambda: None, "cpu")
