"""When gates are stored besides at evaluations."""

import pytest

from finegates.gates.snapshots import EARLY_FRACTIONS, is_early_snapshot


def stored(total_steps: int, every: int = 5) -> list[int]:
    return [s for s in range(every, total_steps, every) if is_early_snapshot(s, total_steps, every)]


def test_snapshots_are_dense_early_on_and_sparse_later():
    assert stored(640) == [10, 20, 40, 80, 120, 160, 240, 320]
    assert stored(190) == [5, 10, 15, 25, 40, 50, 75, 95]


@pytest.mark.parametrize("total_steps", [7, 63, 1000, 12_345, 400_000])
def test_there_are_few_and_each_is_in_the_first_half(total_steps):
    steps = stored(total_steps)
    assert len(steps) <= len(EARLY_FRACTIONS)
    assert all(step <= total_steps / 2 + 5 for step in steps)
