"""What a method of adaptation is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LEARNED, MAGNITUDE, SENSITIVITY, NO_GATES = "learned", "magnitude", "sensitivity", "none"
IMPORTANCE, LORA_IMPORTANCE = "importance", "lora-importance"
TARGET_IS_REMOVED_WEIGHTS = "fraction of the gated weights that is removed, over the whole model"
TARGET_IS_CLOSED_PROBABILITY = (
    "mean probability of being closed in each gate vector (the paper's target); "
    "the weights really removed are fewer or more"
)
TARGET_IS_NOTHING = "0: this method removes nothing"
FULL, ADAPTER = "full", "dense adapter"
SPARSE_DELTA, REMOVES = "sparse delta", "removes rows and columns"
FAMILIES = (FULL, ADAPTER, SPARSE_DELTA, REMOVES)


@dataclass(frozen=True)
class Method:
    """A named recipe.

    Attributes:
        name: Name on the command line and in the app.
        summary: One sentence for help and pages.
        source: Where the settings come from.
        settings: Defaults that differ from those of ``RunSpec``.
        target_meaning: What ``target_sparsity`` asks of this method.
        gates: Where the order of rows and columns comes from: ``learned`` gates, the ``magnitude``
            of their weights, the loss's ``sensitivity`` to them, the ``importance`` or
            ``lora-importance`` of their weights, or ``none`` where nothing is removed.
        adapter: What is trained next to gates and head: a key of `finegates.adapters.ADAPTERS`, or
            "" for nothing but, where ``lora_rank`` says so, the low-rank update of gated matrices.
        hooks: What it does around a training step: a key of `finegates.adapters.HOOKS`, or "" for
            what its adapter does.
        taught: Settings that are added where the user names a fine-tuned model to start from, or a
            teacher.
        merges: Whether its adapter can be folded into the model's own matrices.
        sparse: Whether what it adds to the matrices is zero but for chosen entries.
    """

    name: str
    summary: str
    source: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    target_meaning: str = TARGET_IS_REMOVED_WEIGHTS
    gates: str = LEARNED
    adapter: str = ""
    merges: bool = True
    sparse: bool = False
    hooks: str = ""
    taught: Mapping[str, Any] = field(default_factory=dict)

    @property
    def trains_all(self) -> bool:
        """Whether every weight of the model is trained, nothing of it being frozen but gates."""
        return self.adapter == FULL

    @property
    def family(self) -> str:
        """Which of `FAMILIES` it is of."""
        if self.removes:
            return REMOVES
        if self.trains_all:
            return FULL
        return SPARSE_DELTA if self.sparse else ADAPTER

    @property
    def removes(self) -> bool:
        """Whether it closes rows and columns; else it is a dense baseline."""
        return self.gates != NO_GATES
