"""Cells of a table of results, and which of several no other beats. Loads no torch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

TRAINED, ROUNDED, THRESHOLDS = "trained", "rounded", "thresholds"


@dataclass(frozen=True)
class Point:
    """What the seeds of one recipe scored at one target. A missing seed is said, never filled.

    Attributes:
        task: The task.
        metric: Name of the metric; empty while no run has one.
        model: The model.
        method: The method of the runs.
        kind: ``trained`` for this target, or ``rounded``: the gates of a run that was trained for
            another one, or a dense run's weights by their size, closed to this budget afterwards;
            or ``thresholds``: the same, closed up to a gate value.
        target: Fraction to remove, in [0, 1]; of ``thresholds`` the gate value, in [0, 1].
        scores: One for each seed, in the order of ``seeds``; empty if no run has finished.
        seeds: Seeds that have finished.
        missing_seeds: Seeds that were expected and have not.
        median: Median of the scores; None without any.
        low: The lowest score.
        high: The highest score.
        removed: Median fraction of the gated weights that is removed.
        removed_low: The lowest.
        removed_high: The highest.
        relative_to_full: Percent of the median score of ``full`` on the same task, metric, model
            and data, or of what the runs started from; of a perplexity that one's percent of this,
            so that less is always worse. None without one.
        runs: Ids of the runs, in the order of ``seeds``.
        trained_target: What rounded runs had been trained for; None for trained ones.
        variant: Settings that distinguish these runs from others, such as ``epochs=3``;
            empty where nothing does, or for the method's own settings.
        shared: Chosen settings that all runs of the task and model have.
        fingerprint: That of the data; empty if it is not known.
        data_name: What the data is called; data that differs never has one name.
        rmse: Median error of a regression in the label's own unit; None for classes.
        rmse_of_mean: That of always answering the training rows' mean.
        speedup: Median of the newest speed-ups that were timed of these very cuts; None if none
            was.
        reference: Median score of the fine-tuned models that the runs started from; None where
            they started from pretrained weights.
    """

    task: str
    metric: str
    model: str
    method: str
    kind: str
    target: float
    scores: tuple[float, ...]
    seeds: tuple[int, ...]
    missing_seeds: tuple[int, ...]
    median: float | None
    low: float | None
    high: float | None
    removed: float | None
    removed_low: float | None
    removed_high: float | None
    relative_to_full: float | None
    runs: tuple[str, ...]
    trained_target: float | None = None
    variant: str = ""
    shared: str = ""
    fingerprint: str = ""
    data_name: str = ""
    rmse: float | None = None
    rmse_of_mean: float | None = None
    speedup: float | None = None
    reference: float | None = None


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Places of the points that nothing beats, in ascending order of their first number.

    A point is beaten by one that is at least as high in both numbers and higher in one. Equal
    points don't beat each other: either both are on the front or neither is.

    Args:
        points: Two numbers each, of both of which more is better, as
            `finegates.data.metric_kinds.goodness` makes of any score. A point with a number that
            is not known (NaN) is passed over: it neither beats nor is on the front.
    """
    known = [place for place, point in enumerate(points) if not any(map(math.isnan, point))]
    front: list[int] = []
    best = -math.inf  # second number of all that are further right
    for place in sorted(known, key=lambda p: points[p], reverse=True):
        if points[place][1] > best or (front and points[place] == points[front[-1]]):
            front.append(place)
            best = points[place][1]
    return front[::-1]
