"""Metric lines as columns that grow: what was read before is not looked at again."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd


class MetricTable:
    """Numbers of the rows of one kind, in arrays: 10^5 rows take 9 MB, as dictionaries 70 MB.

    Where a run was resumed, the steps that it does again are dropped, as
    `finegates.runs.folder.current_rows` does for all rows at once.

    Args:
        kind: ``"train"`` or ``"eval"``; other rows are passed over.
        columns: Keys of the numbers to keep, ``"step"`` among them. True and False become 1 and 0,
            what is missing or no number becomes NaN.
    """

    def __init__(self, kind: str, columns: Sequence[str]) -> None:
        self._kind, self._columns = kind, list(columns)
        self._step = self._columns.index("step")
        self._values = np.empty((0, len(self._columns)))
        self._frame: pd.DataFrame | None = None

    def extend(self, rows: Iterable[dict[str, Any]]) -> None:
        """Adds rows, in the order of the file."""
        new: list[list[float]] = []
        for row in rows:
            if not isinstance(step := row.get("step"), int):
                continue
            if row.get("kind") == "resumed":
                self._append(new)
                new = []
                self._drop_after(step)
            elif row.get("kind") == self._kind:
                new.append([_number(row.get(column)) for column in self._columns])
        self._append(new)

    @property
    def frame(self) -> pd.DataFrame:
        """All rows so far; made again only after `extend` has added some. Do not change it."""
        if self._frame is None:
            self._frame = pd.DataFrame(self._values, columns=self._columns).astype({"step": int})
        return self._frame

    def _append(self, new: list[list[float]]) -> None:
        if new:
            self._values = np.concatenate([self._values, np.array(new)])
            self._frame = None

    def _drop_after(self, step: int) -> None:
        self._values = self._values[self._values[:, self._step] <= step]
        self._frame = None


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")
