"""When a budget's target rises, and how."""

import pytest

from finegates.errors import SpecError
from finegates.gates.budget import BudgetPlan


@pytest.mark.parametrize("schedule", ["linear", "cubic"])
def test_a_target_rises_from_nothing_to_all_and_never_falls(schedule):
    plan = BudgetPlan(0.6, begins=0.2, ends=0.7, schedule=schedule)
    targets = [plan.target_at(step, 100) for step in range(101)]
    assert targets[:21] == [0.0] * 21 and targets[70:] == pytest.approx([0.6] * 31)
    assert targets == sorted(targets)


def test_a_cubic_one_rises_fast_at_first_and_slower_later():
    even, cubic = (BudgetPlan(0.8, ends=1.0, schedule=name) for name in ("linear", "cubic"))
    assert cubic.target_at(50, 100) == pytest.approx(0.8 * (1 - 0.5**3))
    assert all(cubic.target_at(s, 100) > even.target_at(s, 100) for s in range(1, 100))
    steps = [cubic.target_at(s + 1, 100) - cubic.target_at(s, 100) for s in range(100)]
    assert steps == sorted(steps, reverse=True)


def test_an_unknown_schedule_is_refused():
    with pytest.raises(SpecError, match="cubic"):
        BudgetPlan(0.4, schedule="cubik")
