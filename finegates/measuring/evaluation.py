"""Cuts of one finished training: its gates closed at each, the smaller model made and scored.

The cheap curve, as against one training for each target. A run without gates is ordered by the
size of its rows and columns, which is pruning by magnitude without recovery.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from typing import Any

import torch
from transformers import PreTrainedModel

from finegates.adapters import merge_adapters
from finegates.files.progress import Progress, silent
from finegates.gates.cuts import Cut, curve_cuts, gates_to_prune
from finegates.gates.laws import GaussianLaw
from finegates.gates.removal import removal
from finegates.nn.attach import GATES_NAME, attach_gates, gates_of
from finegates.nn.gates import Gates
from finegates.nn.magnitude import order_by_magnitude
from finegates.runs.folder import Run
from finegates.runs.label_errors import ERRORS
from finegates.runs.measurements import NOTHING_REMOVED, at_cut, keep_points, own_scores
from finegates.shrinking.cost import REFERENCE_LENGTH, mac_ratio, num_parameters
from finegates.shrinking.shrink import shrink
from finegates.training.restore import restore_model, restore_splits
from finegates.training.scoring import Judge

Point = dict[str, Any]


def evaluate_cuts(
    run: Run,
    cuts: Iterable[Cut] | None,
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
        cuts: Where; None for a whole curve, as `finegates.gates.cuts.curve_cuts` spreads it.
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


def _points(
    run: Run, cuts: Iterable[Cut] | None, device: str, progress: Progress
) -> Iterator[Point]:
    progress(0.0, "loading the model")
    model, tokenizer = restore_model(run)
    judge = Judge(run.spec, restore_splits(run), tokenizer, model, device)
    gates = gates_of(model) if hasattr(model, GATES_NAME) else _by_magnitude(model)
    means, was_closed = gates.means_array(), gates.closed_array()
    cuts = curve_cuts(gates.layout, gates.law, means) if cuts is None else list(cuts)
    own = own_scores(run)
    known: dict[bytes, Point] = {}
    for number, cut in enumerate(cuts):
        what = "scoring" if len(cuts) == 1 else f"scoring cut {number + 1} of {len(cuts)}"
        gates.set_means(means)
        closed = gates_to_prune(gates.layout, gates.law, means, cut)
        gates.close_exactly(closed)
        if closed.tobytes() not in known:
            as_trained = own and (closed == was_closed).all() and _says_all(own, judge)
            known[closed.tobytes()] = _measured(
                model, judge, device, own if as_trained else None,
                lambda done, n=number, w=what: progress((n + done) / len(cuts), w),  # type: ignore[misc]
            )  # fmt: skip
        point = known[closed.tobytes()]
        counts = asdict(removal(gates.layout, closed))
        del counts["removed_weights"]
        reopened = int((was_closed & ~closed).sum())
        yield {**asdict(cut), **point, **counts, "reopened_gates": reopened}


def _says_all(own: Point, judge: Judge) -> bool:
    """Whether a run's own scores have what is measured now: older regressions lack the errors."""
    return judge.splits.problem != "regression" or {*ERRORS} <= own["metrics"].keys()


def _measured(
    model: PreTrainedModel,
    judge: Judge,
    device: str,
    own: Point | None,
    progress: Callable[[float], None],
) -> Point:
    """What does not depend on how a pattern of gates was asked for.

    Args:
        model: Its gates are closed.
        judge: Scores it.
        device: As torch names it.
        own: What the run itself scored with these gates, if it did.
        progress: Is told the fraction that is done.
    """
    started = time.perf_counter()
    progress(0.0)
    shrunk = shrink(model, tuned_for=torch.device(device).type)
    scores = own["metrics"] if own else judge.scores(shrunk, progress)
    return {
        "score": own["score"] if own else scores[judge.metric],
        "metrics": scores,
        "params": num_parameters(shrunk),
        "mac_ratio": mac_ratio(shrunk, REFERENCE_LENGTH),
        "seconds": time.perf_counter() - started,
    }


def _by_magnitude(model: PreTrainedModel) -> Gates:
    merge_adapters(model)
    gates = attach_gates(model, GaussianLaw())
    order_by_magnitude(model, gates)
    return gates
