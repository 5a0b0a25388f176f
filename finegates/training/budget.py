"""Drives a model's gates to a budget in any training loop: a Trainer's, or one's own."""

from typing import Any

import torch
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR
from transformers import TrainerCallback

from finegates.gates.budget import LINEAR, BudgetPlan
from finegates.gates.counting import Counting, weights_counted
from finegates.gates.removal import check_removable, gates_to_close
from finegates.nn.gates import Gates
from finegates.nn.penalty import BudgetPenalty
from finegates.training.optimizer import GATES_GROUP

BETWEEN_SEEDS = 1_000_003
"""A step's noise is seeded by seed and step, so that a resumed training draws the same."""


def noise_seed(seed: int, step: int) -> int:
    """The seed of a step's noise."""
    return seed * BETWEEN_SEEDS + step


class RemovalBudget(TrainerCallback):
    """Removes exactly a fraction of the gated weights by the end of a training.

    A penalty holds the expected removal on a target that rises from 0; then the lowest gates that
    the budget asks for are closed, and all are held while the rest trains on.

    As a callback, ``Trainer(..., callbacks=[RemovalBudget(gates, remove=0.4)])``: the penalty's
    gradient is added once a step after gradients are clipped and before the optimizer's step,
    whatever is accumulated; the gates' learning rate is kept constant; all processes draw the same
    gates. The logged loss is the task's.

    In a loop of one's own, with steps that count from 1::

        budget = RemovalBudget(gates, remove=0.4)
        loss = model(**batch).loss + budget(step, total_steps)

    Args:
        gates: Of the model that is trained.
        remove: Fraction of the gated weights, in [0, 1).
        begins: Fraction of the steps before the penalty begins.
        ends: Fraction of the steps after which the target is reached.
        final_stretch: Fraction of the steps that is left once the gates are rounded. With 0, a loop
            of one's own calls `finish` after its last step.
        schedule: How the target rises: ``linear`` or ``cubic``, fast at first.
        counting: What ``remove`` is a fraction of, from `finegates.shrinking.counted.counting_of`;
            the gated weights if None.

    Raises:
        SpecError: If a fraction is out of range or more than all gates remove, or the schedule
            unknown.
    """

    def __init__(
        self,
        gates: Gates,
        remove: float,
        *,
        begins: float = 0.2,
        ends: float = 0.6,
        final_stretch: float = 0.3,
        schedule: str = LINEAR,
        counting: Counting | None = None,
    ) -> None:
        self.gates, self.plan = gates, BudgetPlan(remove, begins, ends, final_stretch, schedule)
        self.counting = counting or weights_counted(gates.layout)
        check_removable(gates.layout, remove, self.counting)
        self.penalty = BudgetPenalty(gates.layout, self.counting)
        self._step: int | None = None
        self._total = 0

    def __call__(self, step: int, total_steps: int) -> Tensor:
        """The penalty to add to this step's loss, shape ``()``; the same in all parts of a step.

        Args:
            step: Of the optimizer, from 1.
            total_steps: Of the whole training.
        """
        if self._step != step:
            self._end_step()
            self._step, self._total = step, total_steps
            self.penalty.to(self.gates.parameter.device)
            self.penalty.multiplier = self.gates.multiplier.to(self.gates.parameter.device)
        if self.gates.settled or not self.plan.pushes_at(step, total_steps):
            return self.gates.parameter.new_zeros(())
        target = self.plan.target_at(step, total_steps)
        penalty = self.penalty(self.gates.probability_open(), target)
        assert self.penalty.raised is not None
        self.gates.multiplier = self.penalty.raised
        return penalty

    def finish(self) -> None:
        """Ends the last step of a loop of one's own; the gates are rounded if they are not yet."""
        self._end_step()
        self._round()

    def _end_step(self) -> None:
        if self._step is not None and self._step >= self.plan.rounding_step(self._total):
            self._round()
        self._step = None

    def _round(self) -> None:
        if not self.gates.settled:
            layout, means = self.gates.layout, self.gates.means_array()
            closed = gates_to_close(layout, means, self.plan.remove, self.counting)
            self.gates.close_exactly(closed)

    # what Trainer calls
    def on_train_begin(
        self, args: Any, state: Any, control: Any, lr_scheduler: Any = None, **kwargs: Any
    ) -> None:
        """Keeps the gates' rate, and gives them a source of noise of their own."""
        _keep_rate_of_gates(lr_scheduler)
        self.gates.generator = torch.Generator(self.gates.parameter.device)

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Seeds the noise of the step."""
        assert self.gates.generator is not None
        self.gates.generator.manual_seed(noise_seed(args.seed, state.global_step + 1))

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Adds the penalty's gradient."""
        penalty = self(state.global_step + 1, state.max_steps)
        if penalty.requires_grad:
            parameter = self.gates.parameter
            (gradient,) = torch.autograd.grad(penalty, parameter)
            parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Rounds the gates when it is time."""
        self._end_step()

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Takes the source of noise away again: it belongs to the device of this training."""
        self.gates.generator = None


def _keep_rate_of_gates(scheduler: Any) -> None:
    """Gates have to be able to move until they are rounded; other groups follow the schedule."""
    inner = getattr(scheduler, "scheduler", scheduler)  # as accelerate wraps it
    if not isinstance(inner, LambdaLR):
        return
    for number, group in enumerate(inner.optimizer.param_groups):
        if group.get("name") == GATES_GROUP:
            inner.lr_lambdas[number] = _constant
            group["lr"] = inner.base_lrs[number]


def _constant(step: int) -> float:
    return 1.0
