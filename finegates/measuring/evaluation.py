"""Cuts of one finished training: its gates closed at each, the smaller model made and scored.

The cheap curve, as against one training for each target.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

import numpy as np

from finegates.files.progress import Progress, silent
from finegates.gates.cuts import Cut
from finegates.measuring.cutter import Cutter, Point, costs_of
from finegates.runs.folder import Run
from finegates.runs.measurements import NOTHING_REMOVED, at_cut, keep_points


def evaluate_cuts(
    run: Run,
    cuts: Sequence[Cut],
    device: str,
    on_point: Callable[[Point], None] | None = None,
    progress: Progress = silent,
) -> list[Point]:
    """Closes a finished run's gates at each cut and scores the smaller model.

    The points are kept in the run's ``curve.json``, each as soon as it is known. A budget below
    what the run has closed reopens gates just above the closing point. Cuts that close the same
    gates are computed once; one that closes what training did has the run's own last score.

    Args:
        run: A finished run.
        cuts: Where. For a whole curve see `finegates.measuring.curve`.
        device: As torch names it.
        on_point: Is given each point as soon as it is known.
        progress: Is told how far it is.

    Returns:
        For each cut ``remove`` and ``threshold`` (one is None), ``score``, ``metrics``,
        ``removed_weights_fraction``, ``closed_gates_fraction``, ``closed_gates``,
        ``reopened_gates``, ``params`` of the smaller model, ``mac_ratio`` (dense over needed
        multiply-accumulates at `REFERENCE_LENGTH` tokens) and ``seconds`` (of making and scoring).

    Raises:
        RunError: If the run is not finished, or its weights are gone or damaged.
        DataError: If its data has changed, or can't be read.
    """
    points = []
    for point in _points(run, cuts, device, progress):
        keep_points(run, [point])
        points.append(point)
        if on_point:
            on_point(point)
    return points


def dense_and_cut(
    run: Run, cut: Cut, device: str, progress: Progress = silent, needs: str = "params"
) -> tuple[Point, Point]:
    """The points of nothing removed and of a cut; what is known already is not measured again.

    Args:
        run: A finished run.
        cut: Where its gates are cut off.
        device: As torch names it.
        progress: Is told how far it is.
        needs: What both points have to say.
    """
    known = at_cut(run, cut)
    asked = dict.fromkeys([NOTHING_REMOVED, cut])
    points = {NOTHING_REMOVED: known.dense, cut: known.point}
    if missing := [one for one in asked if needs not in (points[one] or {})]:
        evaluate_cuts(run, missing, device, progress=progress)
        known = at_cut(run, cut)
    assert known.dense is not None and known.point is not None
    return known.dense, known.point


def _points(run: Run, cuts: Sequence[Cut], device: str, progress: Progress) -> Iterator[Point]:
    progress(0.0, "loading the model")
    cutter = Cutter(run, device)
    known: dict[bytes, Point] = {}
    for number, cut in enumerate(cuts):
        what = "scoring" if len(cuts) == 1 else f"scoring cut {number + 1} of {len(cuts)}"
        closed = cutter.closed(cut)
        if closed.tobytes() not in known:
            known[closed.tobytes()] = _measured(
                cutter, closed,
                lambda done, n=number, w=what: progress((n + done) / len(cuts), w),  # type: ignore[misc]
            )  # fmt: skip
        yield {**asdict(cut), **known[closed.tobytes()], **cutter.counts(closed)}


def _measured(cutter: Cutter, closed: np.ndarray, progress: Callable[[float], None]) -> Point:
    """What does not depend on how a pattern of gates was asked for."""
    started = time.perf_counter()
    progress(0.0)
    shrunk, own = cutter.smaller(closed), cutter.own(closed)
    scores = own["metrics"] if own else cutter.judge.scores(shrunk, progress)
    return {
        "score": own["score"] if own else scores[cutter.judge.metric],
        "metrics": scores,
        **costs_of(shrunk),
        "seconds": time.perf_counter() - started,
    }
