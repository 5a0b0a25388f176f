"""Which runs the comparison is made of: for each method a small search of its rate, then seeds."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from finegates.fitting.fit import REFERENCE_SETTINGS
from finegates.groups.store import Cell
from finegates.methods import METHODS
from finegates.methods.method import FULL
from finegates.models.sources import EMBEDDED_MODEL
from finegates.spec import FIELDS, make_spec

PREFIX = "methods"
SEARCH, FINAL = "search", "final"
SEEDS = (0, 1)
FACTORS = (1 / 3, 1.0, 3.0)
"""Of a method's own rate: what is searched."""
TARGET = 0.4
"""What every method removes that removes, as the paper's GLUE script does."""
SEARCH_SEED = 0
_DIGITS = 2
"""Of a rate: 1e-3 / 3 is 0.00033."""


ROWS = {"sst2": 320, "stsb": 320, "cola": 640, "mrpc": 128, "rte": 96}
"""Task -> training rows: fewer where texts are long."""
SEARCHED, HELD_OUT = "sst2", 0.0075
"""Where rates are chosen for all tasks, and on which fraction of its training file: 505 rows that
are not trained on. A search on every task would triple the time. Validation rows choose nothing."""


@dataclass(frozen=True)
class Sizes:
    """How long is trained, the same for every method.

    Attributes:
        epochs: Passes over the training rows.
        scale: Times `ROWS`.
        batch_size: Rows of a step.
    """

    epochs: int = 4
    scale: float = 1.0
    batch_size: int = 16

    def settings(self, task: str, part: str) -> dict[str, Any]:
        """Of every run of a part: heads are fitted and dropout is off, for each method alike."""
        return {
            **REFERENCE_SETTINGS,
            "task": task,
            "model": EMBEDDED_MODEL,
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "max_train_samples": round(self.scale * ROWS[task]),
            **({"hold_out_fraction": HELD_OUT} if part == SEARCH else {}),
        }


def rate_setting(method: str) -> str:
    """The rate of what a method trains beside the head: encoder, adapter, or gates alone."""
    known = METHODS[method]
    if known.adapter == FULL:
        return "encoder_learning_rate"
    updates = known.adapter or make_spec({"method": method}).lora_rank
    return "adapter_learning_rate" if updates else "gate_learning_rate"


def rates(method: str) -> tuple[float, ...]:
    """The method's own rate times each of `FACTORS`, none above what is allowed."""
    name = rate_setting(method)
    own, most = getattr(make_spec({"method": method}), name), FIELDS[name].metadata["maximum"]
    return tuple(dict.fromkeys(min(most, float(f"{own * f:.{_DIGITS}g}")) for f in FACTORS))


def group_name(task: str, method: str, part: str, number: int) -> str:
    """Of a rate of the search by its place, or of a seed at last. A plus can't be in a name."""
    return f"{PREFIX}-{task}-{method.replace('+', '_')}-{part}{number}"


def part_of(group: str) -> str:
    """`SEARCH` or `FINAL`, of a group's name; empty for another group."""
    parts = (part for part in (SEARCH, FINAL) if f"-{part}" in group)
    return next(parts, "") if group.startswith(f"{PREFIX}-") else ""


def cell_of(method: str, seed: int) -> Cell:
    """The run of a method with a seed, at the one target."""
    return Cell(method, TARGET if METHODS[method].removes else 0.0, seed)


def known_methods(names: Iterable[str]) -> list[str]:
    """These methods in the registry's order; all of them if none is named."""
    chosen = {*names}
    return [name for name in METHODS if not chosen or name in chosen]
