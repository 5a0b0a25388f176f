"""Which runs the frontier is made of.

A method that learns an order of its gates without reaching a budget (the official code's, hinge),
and a dense one, is trained once a seed and its result rounded to every budget; the others are
trained once for each target. Nothing here was chosen on a task's validation rows: docs/LOG.md says
on which rows put aside.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from finegates.groups.store import Cell

TRAINED_FOR_EACH_TARGET = ("finegates+lora", "finegates", "magnitude")
ROUNDED_TO_EACH_TARGET = ("finegates-official", "finegates-hinge")
DENSE = ("lora", "full")
PAPERS_TARGET = 0.4
"""The sparsity of the official GLUE script; its gates are rounded to each budget afterwards."""

TASK_NAMES = {"sst2": "SST-2", "cola": "CoLA", "stsb": "STS-B", "mrpc": "MRPC", "rte": "RTE"}


@dataclass(frozen=True)
class Profile:
    """How much is trained.

    Attributes:
        targets: Fractions of the gated weights to remove.
        seeds: Seeds of every cell.
        tasks: Task -> settings of all its runs.
        more_targets: Task -> targets that only the default recipe is trained for.
    """

    targets: tuple[float, ...]
    seeds: tuple[int, ...]
    tasks: Mapping[str, Mapping[str, Any]]
    more_targets: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


PROFILES = {
    "cpu": Profile(
        targets=(0.2, 0.4, 0.6),
        seeds=(0, 1),
        tasks={
            "sst2": {"max_train_samples": 4000, "epochs": 4, "eval_steps": 125},
            "stsb": {
                "epochs": 3,
                "eval_steps": 180,
                "learning_rate": 1e-3,
                "adapter_learning_rate": 3e-4,
            },
            "cola": {"epochs": 5, "eval_steps": 268},
        },
        more_targets={"sst2": (0.75,)},
    ),
    "gpu": Profile(
        targets=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.75),
        seeds=(0, 1, 2, 3, 4),
        tasks={
            "sst2": {"max_train_samples": 10_000, "epochs": 10},
            "cola": {"epochs": 10},
            "stsb": {"epochs": 10},
            "mrpc": {"epochs": 20},
            "rte": {"epochs": 20},
        },
    ),
}


def cells(profile: Profile, task: str, default_method: str) -> list[Cell]:
    """Every run of a task, the first full curve first."""
    more = profile.more_targets.get(task, ())
    of_a_seed = [
        *((method, 0.0) for method in DENSE),
        *((method, PAPERS_TARGET) for method in ROUNDED_TO_EACH_TARGET),
        *((m, target) for m in TRAINED_FOR_EACH_TARGET for target in profile.targets),
        *((default_method, target) for target in more),
    ]
    return [Cell(method, target, seed) for seed in profile.seeds for method, target in of_a_seed]


def budgets(profile: Profile, task: str) -> tuple[float, ...]:
    """What gates that were not trained for a budget are rounded to."""
    return (*profile.targets, *profile.more_targets.get(task, ()))


def reaches_no_budget(point: Mapping[str, Any]) -> bool:
    """Whether a point is the gates of a recipe before they were rounded to a budget."""
    return point["kind"] == "trained" and point["method"] in ROUNDED_TO_EACH_TARGET
