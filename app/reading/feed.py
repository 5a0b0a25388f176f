"""What one session has read of a run: each refresh reads only what was added since the last."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from app.reading.metric_table import MetricTable
from finegates.gates.removal import HISTOGRAM_BINS
from finegates.runs.folder import Run

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
        counts: Gates in each bin of `finegates.gates.removal.histogram`, shape
            ``(num_steps, num_vectors, num_bins)``.
    """

    names: tuple[str, ...]
    steps: np.ndarray
    counts: np.ndarray


class Feed:
    """Rows of one run, read as they come."""

    def __init__(self, run: Run) -> None:
        self._metrics_reader = run.metrics_reader()
        self._histograms_reader = run.histograms_reader()
        self._train = MetricTable("train", TRAIN_COLUMNS)
        self._evaluations = MetricTable("eval", EVAL_COLUMNS)
        self._histograms: list[tuple[int, np.ndarray]] = []
        self._names: tuple[str, ...] = ()

    def refresh(self, histograms: bool = True) -> None:
        """Reads what was added; where only curves are shown, the histograms can wait."""
        rows = self._metrics_reader.read_new()
        self._train.extend(rows)
        self._evaluations.extend(rows)
        if histograms:
            self._read_histograms()

    def _read_histograms(self) -> None:
        """They become arrays at once; as lists they are ten times larger. Where steps fall back, a
        resumed run does them again, and the earlier ones count no more.
        """
        for row in self._histograms_reader.read_new():
            counts, step = row.get("counts"), row.get("step")
            if not (isinstance(counts, dict) and counts and isinstance(step, int)):
                continue
            names = self._names or tuple(counts)
            if (array := _whole_numbers(counts, names)) is None:
                continue
            self._names = names
            while self._histograms and self._histograms[-1][0] >= step:
                self._histograms.pop()
            self._histograms.append((step, array))

    @property
    def train(self) -> pd.DataFrame:
        """A line for each log of the training."""
        return self._train.frame

    @property
    def evaluations(self) -> pd.DataFrame:
        """A line for each evaluation."""
        return self._evaluations.frame

    @property
    def histograms(self) -> Histograms | None:
        """All histograms so far; None before the first."""
        if not self._histograms:
            return None
        steps, arrays = zip(*self._histograms, strict=True)
        return Histograms(self._names, np.array(steps), np.stack(arrays))


def _whole_numbers(counts: Mapping[str, Any], names: Sequence[str]) -> np.ndarray | None:
    """Shape ``(num_vectors, num_bins)``; None of a line that is no histogram of these vectors."""
    try:
        array = np.array([counts[name] for name in names], dtype=np.int32)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return array if array.shape == (len(names), HISTOGRAM_BINS + 2) else None


def metrics_frame(
    metrics: Iterable[dict[str, Any]], kind: str, columns: Sequence[str]
) -> pd.DataFrame:
    """The rows of one kind, without those that a resumption did again.

    Args:
        metrics: All rows of a ``metrics.jsonl``.
        kind: ``"train"`` or ``"eval"``.
        columns: `TRAIN_COLUMNS` or `EVAL_COLUMNS`.
    """
    table = MetricTable(kind, columns)
    table.extend(metrics)
    return table.frame
