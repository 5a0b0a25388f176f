"""What is compared, and what each is trained by."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.frontier.plan import PARTS, REFERENCE_PART, TASKS, settings_of
from benchmarks.smaller_models.layers import EVEN, FIRST
from benchmarks.structures import PART, TARGETS, Choice
from finegates.fitting.fit import REFERENCE_SETTINGS
from finegates.runs.folder import Run
from finegates.spec import DRAWN

TASK = "sst2"
PRETRAINED, FINE_TUNED = "pretrained", "fine-tuned"
MAGNITUDE, TAYLOR = "magnitude", "taylor"
GATED = Choice(("heads", "neurons"))
_PARTS = {part.name: part for part in PARTS}


@dataclass(frozen=True)
class Fewer:
    """A dense model of fewer layers.

    Attributes:
        which: `FIRST` or `EVEN`.
        layers: How many.
        start: Whose they are: of the `PRETRAINED` or of the `FINE_TUNED` model.
    """

    which: str
    layers: int
    start: str

    @property
    def name(self) -> str:
        """For example ``"fine-tuned-first-3"``."""
        return f"{self.start}-{self.which}-{self.layers}"

    def settings(self, reference: Run, folder: Path) -> Mapping[str, Any]:
        """What it is trained by.

        Args:
            reference: The fine-tuned model.
            folder: With the layers that it starts from.
        """
        if self.start == FINE_TUNED:
            return recovery_settings() | {"start_from": str(folder), "teacher": reference.id}
        epochs = TASKS[TASK].dense_epochs + TASKS[TASK].warm_epochs
        dense = settings_of(_PARTS[REFERENCE_PART], TASK)
        # A head fitted to so few pretrained layers is huge, since their features hardly differ.
        return dense | {"model": str(folder), "epochs": epochs, "head_start": DRAWN}


@dataclass(frozen=True)
class Pruned:
    """The fine-tuned model without heads and neurons that Torch-Pruning chose.

    Attributes:
        by: `MAGNITUDE` or `TAYLOR`: what it takes for important.
        remove: Fraction of the weights of the layers' matrices that it was asked for.
    """

    by: str
    remove: float

    @property
    def name(self) -> str:
        """For example ``"torch-pruning-taylor-0.4"``."""
        return f"torch-pruning-{self.by}-{self.remove}"


FEWER = tuple(
    Fewer(which, layers, start)
    for start, which in ((FINE_TUNED, FIRST), (FINE_TUNED, EVEN), (PRETRAINED, FIRST))
    for layers in (2, 3, 4)
)
PRUNED = tuple(Pruned(by, remove) for by in (TAYLOR, MAGNITUDE) for remove in TARGETS)


def recovery_settings() -> dict[str, Any]:
    """What trains on after a cut of the fine-tuned model: as gates train, without any."""
    return {**REFERENCE_SETTINGS, **settings_of(_PARTS[PART], TASK)}


def group_of(fewer: Fewer, seed: int) -> str:
    """The group of the one run of a model of fewer layers."""
    return f"smaller-{TASK}-{fewer.name}-seed{seed}"


def kept_at(name: str, reference: Run) -> Path:
    """Where a model is kept that is no run: next to the runs."""
    runs_dir = reference.path.parent
    return runs_dir.with_name(f"{runs_dir.name}-models") / f"{name}-seed{reference.spec.seed}"
