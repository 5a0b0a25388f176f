"""What one session has read of a run: each refresh reads only what was added since the last."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from finegates.runs import Run, current_rows

TRAIN_COLUMNS = (
    "step", "time", "loss", "task_loss", "penalty", "expected_removed", "current_target",
    "closed_gates_fraction", "removed_weights_fraction", "samples_per_s", "memory_bytes",
)  # fmt: skip
EVAL_COLUMNS = (
    "step", "time", "score", "closed_gates_fraction", "removed_weights_fraction", "rounded",
)  # fmt: skip


@dataclass(frozen=True)
class Histograms:
    """Gate values of every gate vector on fixed bins.

    Attributes:
        names: Vector names, for example ``"0.q.in"``.
        steps: Steps, shape ``(num_steps,)``.
        counts: Gates in each bin of `finegates.accounting.histogram`, shape
            ``(num_steps, num_vectors, num_bins)``.
    """

    names: tuple[str, ...]
    steps: np.ndarray
    counts: np.ndarray


class Feed:
    """Rows of one run, read as they come."""

    def __init__(self, run: Run) -> None:
        self._metrics_reader, self._histograms_reader = (
            run.metrics_reader(),
            run.histograms_reader(),
        )
        self._metrics: list[dict[str, Any]] = []
        self._histograms: list[dict[str, Any]] = []
        self._names: tuple[str, ...] = ()

    def refresh(self) -> None:
        """Reads what was added. Histograms become arrays at once; as lists they are ten times
        larger.
        """
        self._metrics += self._metrics_reader.read_new()
        for row in self._histograms_reader.read_new():
            if isinstance(counts := row.pop("counts", None), dict) and counts:
                self._names = self._names or tuple(counts)
                row["array"] = np.array([counts[n] for n in self._names], dtype=np.int32)
            self._histograms.append(row)

    @property
    def train(self) -> pd.DataFrame:
        """A line for each log of the training."""
        return self._frame("train", TRAIN_COLUMNS)

    @property
    def evaluations(self) -> pd.DataFrame:
        """A line for each evaluation."""
        return self._frame("eval", EVAL_COLUMNS)

    @property
    def histograms(self) -> Histograms | None:
        """All histograms so far; None before the first.

        Where steps fall back, a resumed run does them again, and the earlier ones count no more.
        """
        rows: list[dict[str, Any]] = []
        for row in self._histograms:
            if "array" not in row or not isinstance(row.get("step"), int):
                continue
            while rows and rows[-1]["step"] >= row["step"]:
                rows.pop()
            rows.append(row)
        if not rows:
            return None
        steps = np.array([r["step"] for r in rows])
        return Histograms(self._names, steps, np.stack([r["array"] for r in rows]))

    def _frame(self, kind: str, columns: tuple[str, ...]) -> pd.DataFrame:
        return metrics_frame(self._metrics, kind, columns)


def metrics_frame(
    metrics: Iterable[dict[str, Any]], kind: str, columns: Sequence[str]
) -> pd.DataFrame:
    """The rows of one kind, without those that a resumption did again.

    Args:
        metrics: All rows of a ``metrics.jsonl``.
        kind: ``"train"`` or ``"eval"``.
        columns: `TRAIN_COLUMNS` or `EVAL_COLUMNS`.
    """
    rows = [r for r in current_rows(metrics) if r.get("kind") == kind]
    frame = pd.DataFrame([[r.get(c) for c in columns] for r in rows], columns=list(columns))
    numbers = [c for c in columns if c != "rounded"]
    frame[numbers] = frame[numbers].apply(pd.to_numeric, errors="coerce")
    return frame
