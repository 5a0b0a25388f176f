"""The search finds the edge, spends seeds where it is close, and always ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finegates.fitting.search import (
    GRID,
    LARGEST_TARGET,
    MOST_SEEDS,
    Try,
    next_try,
    smallest_within,
)


def searched(drop_of, max_drop, doubt=0.0, most=None):
    """Tries until the search ends."""
    tries = []
    while (found := next_try(tries, max_drop, most_trainings=most)) is not None:
        tries.append(Try(found.target, found.seed, drop_of(found.target, found.seed), doubt))
        assert len(tries) < 100
    return tries


@given(edge=st.integers(0, 19))
def test_a_clear_edge_is_found_on_the_grid(edge):
    """Everything up to the edge is within the tolerance, everything above is lost."""
    tries = searched(lambda target, seed: 0.0 if target <= edge * GRID + 1e-9 else 0.1, 0.01)
    expected = min(edge * GRID, LARGEST_TARGET)
    found = smallest_within(tries, 0.01)
    assert (found or 0.0) == pytest.approx(expected)
    assert len(tries) <= 8 and len({t.target for t in tries}) == len(tries)


def test_a_close_call_gets_more_seeds_and_a_clear_one_does_not():
    tries = searched(lambda target, seed: target / 40, 0.0105, doubt=0.005)
    seeds = [t.seed for t in tries if t.target == smallest_within(tries, 0.0105)]
    assert seeds == list(range(MOST_SEEDS))
    clear = searched(lambda target, seed: 0.0 if target < 0.42 else 0.2, 0.01, doubt=0.005)
    assert {t.seed for t in clear} == {0}


def test_seeds_that_fail_move_the_edge():
    """The first seed at 40% was lucky: the median of three is not within the tolerance."""

    def drop(target, seed):
        return (0.009 if seed == 0 else 0.02) if target == 0.4 else 0.0 if target < 0.4 else 0.1

    tries = searched(drop, 0.01, doubt=0.004)
    assert smallest_within(tries, 0.01) == pytest.approx(0.35)


@given(st.data())
def test_it_ends_whatever_the_drops_are_and_repeats_nothing(data):
    tries = searched(lambda target, seed: data.draw(st.floats(-0.1, 0.1)), 0.01, doubt=0.02)
    assert len({(t.target, t.seed) for t in tries}) == len(tries)
    assert all(0 < t.target <= LARGEST_TARGET for t in tries)


def test_no_more_trainings_than_were_allowed():
    assert len(searched(lambda target, seed: 0.0, 0.01, most=2)) == 2


def test_the_same_tries_in_another_order_give_the_same_next_one():
    tries = [Try(0.4, 0, 0.0, 0.01), Try(0.6, 0, 0.1, 0.01), Try(0.5, 0, 0.0, 0.01)]
    assert next_try(tries, 0.01) == next_try(tries[::-1], 0.01)


def test_where_none_is_within_seeds_go_to_what_lost_least_and_is_close():
    lost = {0.4: 0.046, 0.2: 0.0206, 0.1: 0.025, 0.05: 0.035}
    tries = [Try(target, 0, drop, 0.03) for target, drop in lost.items()]
    assert next_try(tries, 0.02).target == 0.2
    for seed in (1, 2):
        tries.append(Try(0.2, seed, 0.015, 0.03))
    assert smallest_within(tries, 0.02) == 0.2
    assert next_try([Try(t, 0, d, 0.0001) for t, d in lost.items()], 0.02) is None
