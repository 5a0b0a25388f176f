"""Parts of the labelled rows that stand for all of them, and how sure a score on a part is."""

from collections.abc import Callable

import numpy as np
from scipy.stats import t as student

CONFIDENCE = 0.95
_QUANTILES = 10
"""Of a regression's labels: as many strata."""
_BLOCKS = 20
_SEED = 0


def stratified_order(labels: np.ndarray, problem: str) -> np.ndarray:
    """Numbers of the rows in an order of which each beginning stands for all rows.

    A stratum is a class, or a tenth of a regression's rows by their label. It has about its own
    share of every beginning; within it the order is random, and always the same.

    Args:
        labels: Class ids or numbers, shape (rows,).
        problem: ``"classification"`` or ``"regression"``.

    Returns:
        int64, shape (rows,).
    """
    random = np.random.default_rng(_SEED)
    place = np.empty(len(labels))
    for stratum in _strata(labels, problem):
        even = (np.arange(len(stratum)) + random.random()) / len(stratum)
        place[random.permutation(stratum)] = even
    return np.argsort(place, kind="stable")


def interval(
    score: Callable[[np.ndarray], float],
    part: np.ndarray,
    all_rows: int,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> tuple[float, float]:
    """Where the score on all rows is, seen from a part: 95% confidence, by a jackknife.

    Blocks of the part are left out in turn, which works for any smooth metric, and their scores'
    spread is taken as Student's t has it. It is narrowed by the square root of the share of rows
    that is missing, for what is asked is the score on these very rows and not on all that there
    could be. Where no block differs, it is as wide as one row more or less would make it.

    Args:
        score: Of some rows, by their numbers.
        part: Numbers of the rows that are known, a beginning of `stratified_order`; at least 2.
        all_rows: How many there are.
        bounds: The lowest and the highest that the metric can be.

    Returns:
        Lowest and highest.
    """
    blocks = np.array_split(part, min(_BLOCKS, len(part)))
    others = [np.concatenate(blocks[:i] + blocks[i + 1 :]) for i in range(len(blocks))]
    scores = np.array([score(rows) for rows in others])
    variance = (len(blocks) - 1) * float(scores.var())
    least = 2 / len(part) ** 2
    missing = 1 - len(part) / all_rows
    factor = float(student.ppf((1 + CONFIDENCE) / 2, len(blocks) - 1))
    half = factor * float(np.sqrt(max(variance, least) * missing))
    middle = score(part)
    return max(middle - half, bounds[0]), min(middle + half, bounds[1])


def _strata(labels: np.ndarray, problem: str) -> list[np.ndarray]:
    """Numbers of the rows of each."""
    if problem == "regression":
        tenths = np.array_split(np.argsort(labels, kind="stable"), _QUANTILES)
        return [tenth for tenth in tenths if len(tenth)]
    return [np.flatnonzero(labels == label) for label in np.unique(labels)]
