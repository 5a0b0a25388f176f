"""How much a smaller model loses against a reference on the same rows, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import binomtest

from finegates.data.metric_kinds import loss_of
from finegates.errors import DataError
from finegates.training.metrics import compute_metrics

RESAMPLES = 1_000
CONFIDENCE = 0.95
ONE_POINT = 0.01
MIN_ROWS = 2


@dataclass(frozen=True)
class PairedDrop:
    """A loss of score; all as fractions, so 0.01 is one point, or 1% more of a perplexity.

    Attributes:
        reference: Score of the reference; the mean over its seeds.
        score: Score of the other; the mean over its seeds.
        drop: ``reference - score``, or what `finegates.data.metric_kinds.loss_of` has instead.
        low: Lower end of the drop's confidence interval.
        high: Upper end.
        p_value: Of McNemar's exact test that both are right equally often; None unless each has
            one seed and the metric is accuracy.
        rows: Rows that were compared.
        rows_for_one_point: About how many rows would tell a drop of one point from none.
    """

    reference: float
    score: float
    drop: float
    low: float
    high: float
    p_value: float | None
    rows: int
    rows_for_one_point: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON types, under the names that commands print."""
        names = {"reference": "reference_score", "low": "drop_low", "high": "drop_high"}
        return {names.get(name, name): value for name, value in vars(self).items()}

    @property
    def tells_one_point(self) -> bool:
        """Whether the interval reaches at most one point to either side of the drop."""
        return self.rows >= self.rows_for_one_point


def paired_drop(
    metric: str,
    labels: np.ndarray,
    reference: Sequence[np.ndarray],
    other: Sequence[np.ndarray],
    seed: int = 0,
) -> PairedDrop:
    """Compares predictions by a bootstrap over rows and seeds, the same rows for both sides.

    Args:
        metric: As `finegates.training.metrics.compute_metrics` names it.
        labels: True classes or numbers, [rows].
        reference: Predictions of the reference, [rows] for each of its seeds.
        other: Predictions of what is compared with it.
        seed: Of the resampling.

    Raises:
        DataError: If there are no predictions, or not one for each row.
    """
    labels = np.asarray(labels)
    _check(labels, reference, other)
    random = np.random.default_rng(seed)
    everything = np.arange(len(labels))

    def drop(rows: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
        before = _mean_score(metric, labels, reference, rows, first)
        return loss_of(metric, before, _mean_score(metric, labels, other, rows, second))

    drops = [
        drop(
            random.choice(everything, len(everything)),
            random.choice(len(reference), len(reference)),
            random.choice(len(other), len(other)),
        )
        for _ in range(RESAMPLES)
    ]
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(drops, [tail, 100 - tail])
    before, after = (
        _mean_score(metric, labels, side, everything, range(len(side)))
        for side in (reference, other)
    )
    needed = len(labels) * ((high - low) / 2 / ONE_POINT) ** 2
    return PairedDrop(
        before, after, loss_of(metric, before, after), float(low), float(high),
        _mcnemar(metric, labels, reference, other), len(labels), max(MIN_ROWS, round(needed)),
    )  # fmt: skip


def _check(
    labels: np.ndarray, reference: Sequence[np.ndarray], other: Sequence[np.ndarray]
) -> None:
    if not reference or not other:
        raise DataError("There is nothing to compare: each side needs the predictions of a run.")
    for predictions in (*reference, *other):
        if len(predictions) != len(labels):
            raise DataError(
                f"There are {len(predictions)} predictions for {len(labels)} rows; compare runs on "
                "the same validation rows."
            )
    if len(labels) < MIN_ROWS:
        raise DataError(f"{len(labels)} row is too few to compare anything; give more rows.")


def _mean_score(
    metric: str,
    labels: np.ndarray,
    predictions: Sequence[np.ndarray],
    rows: np.ndarray,
    seeds: Sequence[int] | np.ndarray,
) -> float:
    scores = [compute_metrics((metric,), predictions[i][rows], labels[rows])[metric] for i in seeds]
    return float(np.mean(scores))


def _mcnemar(
    metric: str,
    labels: np.ndarray,
    reference: Sequence[np.ndarray],
    other: Sequence[np.ndarray],
) -> float | None:
    if metric != "accuracy" or len(reference) > 1 or len(other) > 1:
        return None
    right, right_too = reference[0] == labels, other[0] == labels
    lost, won = int((right & ~right_too).sum()), int((~right & right_too).sum())
    return 1.0 if lost + won == 0 else float(binomtest(lost, lost + won).pvalue)
