"""What runs will cost: how large their rows are; of a sweep how long each run lasts, and all."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from app.words import duration
from finegates.data.splits import TextSplits
from finegates.groups.file import Cell
from finegates.jobs.estimate import Estimate, num_rows
from finegates.jobs.inputs import mean_words
from finegates.models.short_runs import told_of_closing_once
from finegates.spec import RunSpec, make_spec

WORDS_FROM_ROWS = 500


def size_of(splits: TextSplits) -> tuple[int, int, float]:
    """Training rows, validation rows, and the mean words of a row, from the first few hundred."""
    return len(splits.train), len(splits.validation), mean_words(splits, WORDS_FROM_ROWS)


def closing_once(spec: RunSpec, size: tuple[int, int, float]) -> str:
    """What a run that is too short for its gates is to be told of; empty for any other.

    Args:
        spec: The run.
        size: From `size_of`.
    """
    rows, _, length = size
    return told_of_closing_once(spec, num_rows(spec, rows, length))


@dataclass(frozen=True)
class SweepCost:
    """A sweep's cost.

    Attributes:
        runs: Method -> how many runs it has.
        seconds: Method -> how long each lasts; None where that is not known.
        at_once: How many runs train at a time.
        basis: Where the times come from, in words.
    """

    runs: Mapping[str, int]
    seconds: Mapping[str, float | None]
    at_once: int
    basis: str

    @property
    def total_s(self) -> float | None:
        """Seconds until the last run ends; None where that of one method is not known."""
        parts = []
        for method, number in self.runs.items():
            each = self.seconds[method]
            if each is None:
                return None
            parts.append(each * number)
        return sum(parts) / self.at_once

    def table(self) -> pd.DataFrame:
        """A row for each method."""
        return pd.DataFrame(
            {
                "recipe": list(self.runs),
                "runs": list(self.runs.values()),
                "each": [duration(self.seconds[method]) for method in self.runs],
            }
        )


def specs_of(settings: Mapping[str, Any], cells: Iterable[Cell]) -> dict[str, RunSpec]:
    """A spec of each method, in the order of the cells. No data is read.

    Raises:
        SpecError: If a setting or target is not allowed.
    """
    found: dict[str, RunSpec] = {}
    for method, target in dict.fromkeys((cell.method, cell.target) for cell in cells):
        spec = make_spec({**settings, "method": method, "target_sparsity": target})
        found.setdefault(method, spec)
    return found


def sweep_cost(
    cells: Iterable[Cell], estimates: Mapping[str, Estimate | None], at_once: int
) -> SweepCost:
    """Adds up the estimates of one run of each method."""
    runs = Counter(cell.method for cell in cells)
    seconds = {name: e.seconds if (e := estimates.get(name)) else None for name in runs}
    basis = next((e.basis for e in estimates.values() if e), "")
    return SweepCost(runs, seconds, max(1, min(at_once, sum(runs.values()))), basis)
