"""Overlap of what runs keep: exact counts, and chance as random sets have it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finegates.gates.layout import GatedMatrix, GateLayout
from finegates.gates.overlap import (
    OverlapError,
    agreement,
    check_same_layout,
    overlap_of_sizes,
    set_sizes,
    vectors_of,
)

LAYOUT = GateLayout((GatedMatrix(0, "q", 40, 24), GatedMatrix(0, "o", 24, 40, ("in",))), 2, 2)
OTHER = GateLayout((GatedMatrix(0, "q", 40, 24), GatedMatrix(0, "o", 24, 40)), 2, 2)
DRAWS = 4000


def masks(number: int):
    rows = st.lists(st.booleans(), min_size=LAYOUT.num_gates, max_size=LAYOUT.num_gates)
    return st.lists(rows, min_size=number, max_size=number).map(np.array)


def shuffled(chosen: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random set with as many dimensions in each vector."""
    return np.concatenate([rng.permutation(chosen[v.slice]) for v in LAYOUT.vectors])


def overlap(layout, first, second, among=None):
    sizes = set_sizes(layout, np.stack([first, second, first & second]))
    return overlap_of_sizes(layout.sizes, sizes, among)


@given(masks(2))
def test_overlap_is_symmetric_bounded_and_whole_with_itself(pair):
    first, second = pair
    there, back = overlap(LAYOUT, first, second), overlap(LAYOUT, second, first)
    assert there.both == back.both == int((first & second).sum())
    assert there.chance_jaccard == pytest.approx(back.chance_jaccard, nan_ok=True)
    if (first | second).any():
        assert 0 <= there.jaccard <= 1
        assert there.jaccard == pytest.approx((first & second).sum() / (first | second).sum())
        assert 0 <= there.chance_jaccard <= 1 + 1e-9
    if first.any():
        assert overlap(LAYOUT, first, first).jaccard == 1


@given(masks(2))
def test_what_is_kept_and_what_is_closed_are_equally_far_from_chance(pair):
    kept, closed = overlap(LAYOUT, *pair), overlap(LAYOUT, *~pair)
    assert kept.z == pytest.approx(closed.z, nan_ok=True, abs=1e-9)
    assert kept.spread == pytest.approx(closed.spread)


@given(masks(2))
def test_vectors_of_all_roles_add_up_to_the_model(pair):
    parts = [overlap(LAYOUT, *pair, among=vectors_of(LAYOUT, [role])) for role in ("q", "o")]
    whole = overlap(LAYOUT, *pair)
    assert whole.both == sum(p.both for p in parts)
    assert whole.chance_both == pytest.approx(sum(p.chance_both for p in parts))
    assert whole.spread**2 == pytest.approx(sum(p.spread**2 for p in parts))


@given(masks(3))
def test_agreement_counts_each_dimension_and_of_two_runs_is_their_overlap(runs):
    all_three = agreement(LAYOUT, runs)
    assert all_three.in_all == int(runs.all(axis=0).sum())
    assert all_three.in_none == int((~runs).all(axis=0).sum())
    two, pair = agreement(LAYOUT, runs[:2]), overlap(LAYOUT, runs[0], runs[1])
    assert (two.in_all, two.chance_all) == (pair.both, pytest.approx(pair.chance_both))


@pytest.mark.parametrize("shares", [(0.2, 0.3), (0.5, 0.5), (0.9, 0.6), (0.05, 0.9)])
def test_chance_is_what_random_sets_of_the_same_sizes_give(shares):
    rng = np.random.default_rng(0)
    first, second = (rng.random(LAYOUT.num_gates) < share for share in shares)
    drawn = [overlap(LAYOUT, first, shuffled(second, rng)) for _ in range(DRAWS)]
    jaccards, both = (np.array([getattr(d, k) for d in drawn]) for k in ("jaccard", "both"))
    error = 4 / math.sqrt(DRAWS)
    assert drawn[0].chance_both == pytest.approx(both.mean(), abs=error * both.std())
    assert drawn[0].spread == pytest.approx(both.std(), rel=0.06)
    assert drawn[0].chance_jaccard == pytest.approx(jaccards.mean(), abs=error * jaccards.std())
    assert np.mean([d.z for d in drawn]) == pytest.approx(0, abs=error)


def test_chance_of_all_and_none_is_what_random_sets_give():
    rng = np.random.default_rng(1)
    runs = rng.random((3, LAYOUT.num_gates)) < np.array([[0.4], [0.6], [0.7]])
    drawn = [agreement(LAYOUT, np.stack([shuffled(r, rng) for r in runs])) for _ in range(DRAWS)]
    error = 4 / math.sqrt(DRAWS)
    for seen, chance in (("in_all", "chance_all"), ("in_none", "chance_none")):
        values = np.array([getattr(d, seen) for d in drawn])
        assert getattr(drawn[0], chance) == pytest.approx(values.mean(), abs=error * values.std())


def test_a_shared_sub_network_is_far_from_chance_and_a_random_one_is_not():
    rng = np.random.default_rng(2)
    layout = GateLayout((GatedMatrix(0, "q", 4000, 4000),), 4, 4)
    first, other = rng.random((2, layout.num_gates)) < 0.3
    related = np.where(rng.random(layout.num_gates) < 0.5, first, other)
    assert overlap(layout, first, related).z > 20
    assert abs(overlap(layout, first, other).z) < 4


def test_above_chance_is_nought_for_luck_and_one_for_equal_sets():
    kept = np.random.default_rng(3).random(LAYOUT.num_gates) < 0.5
    assert overlap(LAYOUT, kept, kept).above_chance == 1
    luck = overlap_of_sizes(np.array([10_000]), np.array([[5000], [4000], [2000]]))
    assert luck.above_chance == pytest.approx(0, abs=1e-4)


def test_where_nothing_is_random_chance_is_exact_and_has_no_z():
    everything = np.ones(LAYOUT.num_gates, dtype=bool)
    found = overlap(LAYOUT, everything, everything)
    assert (found.jaccard, found.chance_jaccard, found.ratio, found.spread) == (1, 1, 1, 0)
    assert math.isnan(found.z) and math.isnan(found.above_chance)
    empty = overlap(LAYOUT, ~everything, ~everything)
    assert math.isnan(empty.jaccard) and math.isnan(empty.chance_jaccard)


def test_large_vectors_do_not_overflow():
    n = np.array([100_000])
    found = overlap_of_sizes(n, np.array([[50_000], [50_000], [25_000]]))
    assert found.z == pytest.approx(0) and found.spread == pytest.approx(79.06, abs=0.01)


def test_sizes_are_counted_in_each_vector():
    chosen = np.zeros(LAYOUT.num_gates, dtype=bool)
    chosen[LAYOUT.vectors[1].slice] = True
    assert set_sizes(LAYOUT, chosen).tolist() == [0, 24, 0]


def test_runs_with_other_gates_are_refused_in_a_sentence():
    check_same_layout(["a", "b"], [LAYOUT, LAYOUT])
    with pytest.raises(OverlapError, match=r"b can't .* a: .*128 gates, not 88 gates; .*o\.out"):
        check_same_layout(["a", "b"], [LAYOUT, OTHER])
