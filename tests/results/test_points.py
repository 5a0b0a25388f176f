"""The Pareto front: nothing on it is beaten, all that is off it is."""

import math

from hypothesis import given
from hypothesis import strategies as st

from finegates.results.points import pareto_front

NUMBERS = st.integers(-3, 3).map(float)  # few values, so that ties are common


def beats(one, other) -> bool:
    return one[0] >= other[0] and one[1] >= other[1] and one != other


@given(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=12))
def test_exactly_what_nothing_beats_is_on_the_front(points):
    unbeaten = {
        place for place, point in enumerate(points) if not any(beats(p, point) for p in points)
    }
    front = pareto_front(points)
    assert set(front) == unbeaten and len(front) == len(unbeaten)
    assert [points[p][0] for p in front] == sorted(points[p][0] for p in front)


def test_a_point_above_and_right_of_another_beats_it():
    assert pareto_front([(0.2, 0.8), (0.4, 0.9), (0.6, 0.7)]) == [1, 2]


def test_what_is_not_known_neither_beats_nor_counts():
    assert pareto_front([(math.nan, 0.99), (0.1, 0.8), (0.2, math.nan)]) == [1]
    assert pareto_front([]) == []
