"""What a method of adaptation is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Method:
    """A named recipe.

    Attributes:
        name: Name on the command line and in the app.
        summary: One sentence for help and pages.
        target_meaning: What ``target_sparsity`` asks of this method.
        settings: Defaults that differ from those of ``RunSpec``.
        source: Where the settings come from.
    """

    name: str
    summary: str
    target_meaning: str
    source: str
    settings: Mapping[str, Any] = field(default_factory=dict)


TARGET_IS_REMOVED_WEIGHTS = "fraction of the gated weights that is removed, over the whole model"
TARGET_IS_CLOSED_PROBABILITY = (
    "mean probability of being closed in each gate vector (the paper's target); "
    "the weights really removed are fewer or more"
)
