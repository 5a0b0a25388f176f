"""Runs that are too short for a decoder's gates to find their order: they close once, early."""

from collections.abc import Mapping
from typing import Any

from finegates.errors import FineGatesError
from finegates.gates.budget import BudgetPlan
from finegates.gates.laws import PROJECTED
from finegates.methods import METHODS
from finegates.methods.method import LEARNED
from finegates.models.architectures import is_decoder_type
from finegates.models.sources import model_sizes
from finegates.spec import AUTO, BUDGET, SENSITIVE, RunSpec

FEWEST_STEPS = 300
"""A gate needs some 55 steps to close at the recipes' rate, and the multiplier that drives it some
hundred; of 60 to 130 steps in all, rounding closed in an order that nothing had learned."""
FINAL_STRETCH = METHODS["sensitivity-full"].settings["final_stretch_fraction"]
"""What is left of the training once they are closed, as of the method that always does so."""


def closes_once(spec: RunSpec, config: Mapping[str, Any], num_train: int) -> bool:
    """Whether a run's gates are closed once, early, in the order of their sensitivity.

    So they are on a decoder if the recipe learns them against a budget, the training has fewer than
    `FEWEST_STEPS`, and ``gate_start`` is left as it is. Projected gates are at the budget already.

    Args:
        spec: The run.
        config: Content of its model's config.json.
        num_train: Training rows.
    """
    learns = METHODS[spec.method].gates == LEARNED and spec.penalty == BUDGET
    learns = learns and spec.gate_law != PROJECTED
    asked = spec.gate_start == AUTO and spec.target_sparsity > 0 and spec.rounds_to_budget
    short = spec.total_steps(num_train) < FEWEST_STEPS
    return learns and asked and short and is_decoder_type(config.get("model_type"))


def told_of_closing_once(spec: RunSpec, num_train: int) -> str:
    """What a run that `closes_once` is to be told of; empty for any other.

    Args:
        spec: The run.
        num_train: Training rows.
    """
    try:
        if not closes_once(spec, model_sizes(spec.model), num_train):
            return ""
    except FineGatesError:  # which another check says
        return ""
    steps, in_epoch = spec.total_steps(num_train), spec.steps_per_epoch(num_train)
    once = BudgetPlan(spec.target_sparsity, final_stretch=FINAL_STRETCH).rounding_step(steps)
    return (
        f"{steps:,} steps are too few for the gates of a decoder to learn their order, which needs "
        f"{FEWEST_STEPS}: they are closed once, after step {once:,}, in the order in which the "
        f"loss feels them, and the rest trains on. For gates that are learned train "
        f"{-(-FEWEST_STEPS // in_epoch):,} epochs, or set gate_start to {SENSITIVE}."
    )
