"""What a method of adaptation is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LEARNED, MAGNITUDE, NO_GATES = "learned", "magnitude", "none"


@dataclass(frozen=True)
class Method:
    """A named recipe.

    Attributes:
        name: Name on the command line and in the app.
        summary: One sentence for help and pages.
        target_meaning: What ``target_sparsity`` asks of this method.
        settings: Defaults that differ from those of ``RunSpec``.
        source: Where the settings come from.
        gates: Where the order of rows and columns comes from: ``learned`` gates, the ``magnitude``
            of their weights, or ``none`` where nothing is removed.
        adapter: What is trained beside gates and head: a key of `finegates.adapters.ADAPTERS`, or
            "" for nothing but, where ``lora_rank`` says so, the low-rank update of gated matrices.
    """

    name: str
    summary: str
    target_meaning: str
    source: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    gates: str = LEARNED
    adapter: str = ""

    @property
    def removes(self) -> bool:
        """Whether it closes rows and columns; else it is a dense baseline."""
        return self.gates != NO_GATES


def dense(
    name: str, summary: str, source: str, adapter: str, settings: Mapping[str, Any]
) -> Method:
    """A baseline that removes nothing."""
    settings = {
        "target_sparsity": 0.0,
        "rounding": False,
        "final_stretch_fraction": 0.0,
        **settings,
    }
    return Method(name, summary, TARGET_IS_NOTHING, source, settings, NO_GATES, adapter)


TARGET_IS_REMOVED_WEIGHTS = "fraction of the gated weights that is removed, over the whole model"
TARGET_IS_CLOSED_PROBABILITY = (
    "mean probability of being closed in each gate vector (the paper's target); "
    "the weights really removed are fewer or more"
)
TARGET_IS_NOTHING = "0: this method removes nothing"
