"""The plan of a budget: when its target rises, and when the gates are rounded to it."""

from dataclasses import dataclass

from finegates.errors import SpecError, unknown_name

LINEAR, CUBIC = "linear", "cubic"
SCHEDULES = (LINEAR, CUBIC)
"""How a target rises: evenly, or fast at first and ever slower (Zhu and Gupta, 2017)."""


@dataclass(frozen=True)
class BudgetPlan:
    """When what happens; steps count from 1, and all but `remove` are fractions of all steps.

    Attributes:
        remove: Fraction of the gated weights that is removed in the end, in [0, 1).
        begins: Until then nothing is pushed: the task is learned first.
        ends: From then on the target is `remove`; between the two it rises from 0.
        final_stretch: What is left of the training once the gates are rounded to the budget.
        schedule: How it rises, one of `SCHEDULES`.

    Raises:
        SpecError: If a fraction is out of range, or the schedule unknown.
    """

    remove: float
    begins: float = 0.0
    ends: float = 0.6
    final_stretch: float = 0.3
    schedule: str = LINEAR

    def __post_init__(self) -> None:
        for name in ("remove", "begins", "final_stretch"):
            if not 0 <= getattr(self, name) < 1:
                raise SpecError(f"{name} is {getattr(self, name)}; it has to be in [0, 1).")
        if not 0 <= self.ends <= 1:
            raise SpecError(f"ends is {self.ends}; it has to be in [0, 1].")
        if self.schedule not in SCHEDULES:
            raise SpecError(unknown_name("schedule", self.schedule, SCHEDULES))

    def target_at(self, step: int, total_steps: int) -> float:
        """The expected removed fraction that the penalty of this step aims at."""
        begins, ends = self.begins * total_steps, self.ends * total_steps
        rise = min(1.0, max(0.0, (step - begins) / max(ends - begins, 1.0)))
        return self.remove * (1 - (1 - rise) ** 3 if self.schedule == CUBIC else rise)

    def pushes_at(self, step: int, total_steps: int) -> bool:
        """Whether this step has a penalty."""
        return step > self.begins * total_steps

    def rounding_step(self, total_steps: int) -> int:
        """After this step the gates are rounded to exactly the budget."""
        return max(1, round(total_steps * (1 - self.final_stretch)))
