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
from finegates.gates.cuts import Cut, cut_of, gates_to_prune
from finegates.gates.laws import GaussianLaw
from finegates.gates.removal import removal
from finegates.nn.attach import GATES_NAME, attach_gates, gates_of
from finegates.nn.gates import Gates
from finegates.nn.magnitude import order_by_magnitude
from finegates.runs.folder import Run
from finegates.runs.measurements import keep_points, read_points, read_thresholds
from finegates.shrinking.cost import REFERENCE_LENGTH, mac_ratio, num_parameters
from finegates.shrinking.shrink import shrink
from finegates.training.restore import restore_model, restore_splits
from finegates.training.scoring import Judge

Point = dict[str, Any]


def evaluate_cuts(
    run: Run, cuts: Iterable[Cut], device: str, on_point: Callable[[Point], None] | None = None
) -> list[Point]:
    """Closes a finished run's gates at each cut and scores the smaller model.

    The points are kept in the run's ``curve.json``, each as soon as it is known. A budget below
    what the run has closed reopens gates just above the closing point. Cuts that close the same
    gates are computed once.

    Args:
        run: A finished run.
        cuts: Where.
        device: As torch names it.
        on_point: Is given each point as soon as it is known.

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
    for point in _points(run, cuts, device):
        keep_points(run, [point])
        points.append(point)
        if on_point:
            on_point(point)
    return points


def dense_and_cut(run: Run, cut: Cut, device: str) -> tuple[Point, Point]:
    """The points of nothing removed and of a cut; what is known already is not measured again."""
    known = {cut_of(p): p for p in (*read_points(run), *read_thresholds(run)) if "params" in p}
    cuts = (Cut(remove=0.0), cut)
    missing = [c for c in dict.fromkeys(cuts) if c not in known]
    known |= {cut_of(p): p for p in (evaluate_cuts(run, missing, device) if missing else ())}
    return known[cuts[0]], known[cut]


def _points(run: Run, cuts: Iterable[Cut], device: str) -> Iterator[Point]:
    model, tokenizer = restore_model(run)
    judge = Judge(run.spec, restore_splits(run), tokenizer, model, device)
    gates = gates_of(model) if hasattr(model, GATES_NAME) else _by_magnitude(model)
    means, was_closed = gates.means_array(), gates.closed_array()
    known: dict[bytes, Point] = {}
    for cut in cuts:
        gates.set_means(means)
        closed = gates_to_prune(gates.layout, gates.law, means, cut)
        gates.close_exactly(closed)
        if closed.tobytes() not in known:
            known[closed.tobytes()] = _measured(model, judge, device)
        point = known[closed.tobytes()]
        counts = asdict(removal(gates.layout, closed))
        del counts["removed_weights"]
        reopened = int((was_closed & ~closed).sum())
        yield {**asdict(cut), **point, **counts, "reopened_gates": reopened}


def _measured(model: PreTrainedModel, judge: Judge, device: str) -> Point:
    """What does not depend on how a pattern of gates was asked for."""
    started = time.perf_counter()
    shrunk = shrink(model, tuned_for=torch.device(device).type)
    scores = judge.scores(shrunk)
    return {
        "score": scores[judge.metric],
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
