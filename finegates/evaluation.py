"""Several budgets from one training: the gates of a finished run, rounded to each and evaluated.

The cheap curve, as against one training for each target. A run without gates is ordered by the
size of its rows and columns, which is pruning by magnitude without recovery.
"""

from collections.abc import Sequence
from typing import Any

from transformers import PreTrainedModel

from finegates.accounting import gates_to_close, removal
from finegates.adapters import merge_adapters
from finegates.attach import attach_gates
from finegates.checkpoint import load_trained
from finegates.data import load_splits
from finegates.errors import DataError, SpecError
from finegates.gates import Gates
from finegates.journal import removal_fields
from finegates.laws import GaussianLaw
from finegates.magnitude import order_by_magnitude
from finegates.reporting import evaluate
from finegates.restore import check_finished
from finegates.runs import CURVE_FILE, FORMAT_VERSION, Run
from finegates.session import Session, open_session
from finegates.storage import write_json


def evaluate_removals(run: Run, fractions: Sequence[float], device: str) -> list[dict[str, Any]]:
    """Closes exactly each fraction of a finished run's weights and scores what is left.

    The points are written to the run's ``curve.json`` too. A budget below what the run has closed
    reopens gates just above the closing point; how many is told as ``reopened_gates``.

    Args:
        run: A finished run.
        fractions: Of the weights of all gated matrices, each in [0, 1).
        device: As torch names it.

    Returns:
        For each fraction ``remove``, ``score``, ``metrics``, ``removed_weights_fraction``,
        ``closed_gates_fraction`` and ``reopened_gates``.

    Raises:
        RunError: If the run is not finished, or its weights are gone or damaged.
        DataError: If its data has changed, or can't be read.
        SpecError: If a fraction is out of range.
    """
    for fraction in fractions:
        if not 0 <= fraction < 1:
            raise SpecError(f"remove is {fraction}; allowed is 0 to below 1.")
    session = restore_session(run, device)
    model = session.accelerator.unwrap_model(session.model)
    gates = session.gates or _by_magnitude(model)
    points = [_point(session, gates, gates.means_array(), fraction) for fraction in fractions]
    write_json(run.path / CURVE_FILE, {"format_version": FORMAT_VERSION, "points": points})
    return points


def restore_session(run: Run, device: str) -> Session:
    """A finished run's model, gates held as they were at its end, and its data.

    Raises:
        RunError: If the run is not finished, or its weights are gone or damaged.
        DataError: If its data has changed, or can't be read.
    """
    check_finished(run)
    splits = load_splits(run.spec)
    recorded = run.record["data"].get("fingerprint")
    if recorded not in (None, splits.fingerprint):
        raise DataError(f"The data of {run.id} has changed since the run was made.")
    session = open_session(run.spec, splits, device)
    load_trained(run, session.accelerator.unwrap_model(session.model), session.adapted)
    return session


def _point(session: Session, gates: Gates, means: Any, fraction: float) -> dict[str, Any]:
    gates.set_means(means)
    was_closed = gates.closed_array()
    closed = gates_to_close(gates.layout, means, fraction)
    gates.close_exactly(closed)
    scores = evaluate(session)
    return {
        "remove": fraction,
        "score": scores[session.splits.metrics[0]],
        "metrics": scores,
        **removal_fields(removal(gates.layout, closed)),
        "reopened_gates": int((was_closed & ~closed).sum()),
    }


def _by_magnitude(model: PreTrainedModel) -> Gates:
    merge_adapters(model)
    gates = attach_gates(model, GaussianLaw())
    order_by_magnitude(model, gates)
    return gates
