"""Which runs the frontier is made of, in parts that are trained one after the other.

What was trained before heads were fitted is in groups without a part. Nothing here was chosen on a
task's validation rows: docs/LOG.md says on which rows put aside.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from finegates.fitting.fit import REFERENCE_SETTINGS
from finegates.groups.store import Cell
from finegates.methods import DEFAULT_METHOD, METHODS, WARM_METHOD, WARM_SETTINGS
from finegates.spec import START_TEACHER

PREFIX = "frontier"
REFERENCE, REFERENCE_PART = "full", "dense"
DENSE = (REFERENCE, "lora")
OFFICIAL = "finegates-official"
PAPERS_TARGET = 0.4
"""The sparsity of the official GLUE script; its gates are rounded to each budget afterwards."""
TARGETS = (0.2, 0.4, 0.6)
MIDDLE = 0.4
OUTER = tuple(target for target in TARGETS if target != MIDDLE)
TASK_NAMES = {"sst2": "SST-2", "stsb": "STS-B", "cola": "CoLA", "mrpc": "MRPC", "rte": "RTE"}


@dataclass(frozen=True)
class Task:
    """How long a task is trained.

    Attributes:
        dense_epochs: Of full fine-tuning, which is the reference, and of LoRA.
        warm_epochs: Of gates that start from the reference; from scratch they take as many as both.
        settings: Of all its runs.
        from_scratch: Rates of what `Part.is_frozen_from_scratch`.
        more_targets: What is removed beside `TARGETS`, from the reference only.
    """

    dense_epochs: int
    warm_epochs: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    from_scratch: Mapping[str, Any] = field(default_factory=dict)
    more_targets: tuple[float, ...] = ()


TASKS = {
    "sst2": Task(3, 5, {"max_train_samples": 4000}, more_targets=(0.75,)),
    "stsb": Task(3, 3, {}, {"learning_rate": 1e-3, "adapter_learning_rate": 3e-4}),
    "cola": Task(3, 3, {}, {"learning_rate": 5e-4, "adapter_learning_rate": 5e-4}),
    "mrpc": Task(5, 5),
    "rte": Task(5, 6),
}


@dataclass(frozen=True)
class Part:
    """What is trained together: one group for each task and seed.

    Attributes:
        name: Behind the group's name.
        methods: Method -> its targets.
        settings: Of all its runs; ``epochs`` are the task's.
        epochs: ``dense``, ``warm`` or ``both`` of the task's.
        starts: Whether it starts from the reference of the same task and seed.
        seeds: How many seeds.
    """

    name: str
    methods: Mapping[str, tuple[float, ...]]
    settings: Mapping[str, Any]
    epochs: str
    starts: bool = False
    seeds: int = 3

    @property
    def is_frozen_from_scratch(self) -> bool:
        """Whether it trains little beside a base that stays, from the pretrained weights on."""
        trains_all = any(METHODS[method].trains_all for method in self.methods)
        return not (self.starts or trains_all or OFFICIAL in self.methods)


PARTS = (
    Part(REFERENCE_PART, {REFERENCE: (0.0,)}, REFERENCE_SETTINGS, "dense"),
    Part(
        "warm", {WARM_METHOD: TARGETS}, {**WARM_SETTINGS, "teacher": START_TEACHER}, "warm", True
    ),
    Part("official", {OFFICIAL: (PAPERS_TARGET,)}, {}, "both", seeds=2),
    Part("magnitude", {"magnitude": (MIDDLE,)}, REFERENCE_SETTINGS, "both", seeds=2),
    Part("lora", {"lora": (0.0,)}, REFERENCE_SETTINGS, "dense"),
    Part("scratch", {DEFAULT_METHOD: (MIDDLE,)}, REFERENCE_SETTINGS, "both"),
    Part(
        "warm-frozen", dict.fromkeys((DEFAULT_METHOD, "finegates"), TARGETS),
        {**REFERENCE_SETTINGS, "teacher": START_TEACHER}, "warm", True,
    ),
    Part("scratch-gates", {"finegates": TARGETS}, REFERENCE_SETTINGS, "both", seeds=2),
    Part("scratch-full", {WARM_METHOD: TARGETS}, REFERENCE_SETTINGS, "both"),
    Part("scratch-rest", {DEFAULT_METHOD: OUTER}, REFERENCE_SETTINGS, "both"),
    Part("magnitude-rest", {"magnitude": OUTER}, REFERENCE_SETTINGS, "both", seeds=2),
)  # fmt: skip
"""In the order in which they are trained: what tells most comes first."""


WORDS = {"warm": "from the fine-tuned model", "warm-frozen": "from the fine-tuned model"}
EARLIER = "head drawn"
"""Of groups without a part: trained before heads were fitted."""


def group_name(task: str, part: str = "", seed: int | None = None) -> str:
    """The group of a part of a task: with one seed, or with all of them, as it is shipped."""
    return "-".join(filter(None, (PREFIX, task, part, None if seed is None else f"seed{seed}")))


def part_of(group: str) -> tuple[str, str]:
    """Task and part of a group's name."""
    _, task, *part = group.split("-seed")[0].split("-", 2)
    return task, "".join(part)


def cells(part: Part, task: str, seed: int) -> list[Cell]:
    """The runs of a part of a task with one seed."""
    more = TASKS[task].more_targets if part.starts else ()
    return [
        Cell(method, target, seed)
        for method, targets in part.methods.items()
        for target in (*targets, *more)
    ]


def settings_of(part: Part, task: str) -> dict[str, Any]:
    """What is chosen for all runs of a part of a task, but for what they start from."""
    plan = TASKS[task]
    epochs = {"dense": plan.dense_epochs, "warm": plan.warm_epochs}
    return {
        "task": task,
        **plan.settings,
        **part.settings,
        **(plan.from_scratch if part.is_frozen_from_scratch else {}),
        "epochs": epochs.get(part.epochs, sum(epochs.values())),
    }
