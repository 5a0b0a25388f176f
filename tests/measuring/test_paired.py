"""A drop on the same rows, its interval, and what is said of few rows."""

import numpy as np
import pytest
from scipy.stats import binomtest

from finegates.errors import DataError
from finegates.measuring.paired import paired_drop


def answers(labels, wrong):
    """The labels, but for these rows."""
    given = labels.copy()
    given[wrong] = 1 - given[wrong]
    return given


@pytest.fixture
def labels():
    return np.random.default_rng(0).integers(0, 2, 400)


def test_the_drop_and_mcnemars_test_are_those_of_the_rows_that_differ(labels):
    reference, other = answers(labels, range(0, 40)), answers(labels, range(20, 80))
    found = paired_drop("accuracy", labels, [reference], [other])
    assert found.reference == 0.9 and found.score == 0.85
    assert found.drop == pytest.approx(0.05)
    assert found.p_value == pytest.approx(binomtest(40, 60).pvalue)
    # Paired: 60 of 400 rows differ, so the standard error is about that of their signs.
    error = np.sqrt((60 / 400 - 0.05**2) / 400)
    assert found.low == pytest.approx(0.05 - 1.96 * error, abs=0.004)
    assert found.high == pytest.approx(0.05 + 1.96 * error, abs=0.004)


def test_equal_answers_have_no_drop_and_no_doubt(labels):
    given = answers(labels, range(30))
    found = paired_drop("accuracy", labels, [given], [given])
    assert (found.drop, found.low, found.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)
    assert found.tells_one_point


def test_few_rows_say_how_many_would_do(labels):
    reference, other = answers(labels, range(0, 40)), answers(labels, range(20, 80))
    found = paired_drop("accuracy", labels, [reference], [other])
    assert not found.tells_one_point and found.rows == 400
    many = np.tile(np.arange(400), found.rows_for_one_point // 400 + 1)
    repeated = paired_drop("accuracy", labels[many], [reference[many]], [other[many]])
    assert (repeated.high - repeated.low) / 2 == pytest.approx(0.01, rel=0.15)


def test_seeds_are_drawn_too_so_that_their_spread_is_in_the_interval(labels):
    reference = answers(labels, range(0, 40))
    seeds = [answers(labels, range(0, wrong)) for wrong in (20, 60, 100)]
    one = paired_drop("accuracy", labels, [reference], seeds[1:2])
    several = paired_drop("accuracy", labels, [reference], seeds)
    assert several.drop == pytest.approx(one.drop)
    assert several.high - several.low > 2 * (one.high - one.low)
    assert several.p_value is None


def test_correlations_are_compared_by_the_same_rows():
    true = np.random.default_rng(1).normal(size=300)
    noise = np.random.default_rng(2).normal(size=300)
    found = paired_drop("pearson", true, [true + 0.1 * noise], [true + noise])
    assert found.low > 0.2 and found.drop == pytest.approx(found.reference - found.score)
    assert found.p_value is None


@pytest.mark.parametrize(
    ("reference", "other", "said"),
    [([], [np.zeros(3)], "nothing to compare"), ([np.zeros(3)], [np.zeros(2)], "2 predictions")],
)
def test_what_can_not_be_compared_is_refused(reference, other, said):
    with pytest.raises(DataError, match=said):
        paired_drop("accuracy", np.zeros(3), reference, other)
