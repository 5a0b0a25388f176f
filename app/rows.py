"""What the row of a run says: questions that several pages ask of `finegates`' rows."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from finegates.data.metric_kinds import goodness
from finegates.methods import METHODS
from finegates.methods.method import LEARNED
from finegates.runs.status import ACTIVE_STATES

Row = dict[str, Any]
"""From `finegates.runs.folder.Run.row`, or with notes and tags from `app.reading`."""

GATES, WEIGHTS, CURVE_ONLY = "gates", "weights", "curve only"
"""What a run's folder may keep besides its settings, scores and curve."""


def is_active(row: Mapping[str, Any]) -> bool:
    """Whether the run waits for its turn or is at work."""
    return row["status"] in ACTIVE_STATES


def is_dense(row: Mapping[str, Any]) -> bool:
    """Whether the run's method removes nothing; one that is not known here may."""
    method = METHODS.get(row["method"])
    return method is not None and not method.removes


def removes(row: Mapping[str, Any]) -> bool:
    """Whether the run's method is known to remove something."""
    method = METHODS.get(row["method"])
    return method is not None and method.removes


def has_learned_gates(row: Mapping[str, Any]) -> bool:
    """Whether the run learns which rows and columns go, unlike a baseline."""
    method = METHODS.get(row["method"])
    return method is not None and method.gates == LEARNED


def opens(row: Row) -> bool:
    """Whether Dimensions and Prune have something to show of the run, or will have."""
    return removes(row) and CURVE_ONLY not in row["keeps"]


def best_gated(rows: Iterable[Row]) -> str | None:
    """The run that pages open on where none is chosen: of its data the best that removes most.

    Of finished runs that keep their learned gates, and if possible their weights, on the data that
    most finished runs are on.
    """
    finished = [row for row in rows if row["status"] == "finished"]
    count = Counter(row["fingerprint"] for row in finished)

    def rank(row: Row) -> tuple[bool, int, float]:
        score = row["score"]
        place = goodness(row["metric"], score) if score is not None else 0.0
        place += row["removed_weights_fraction"] or 0.0
        return WEIGHTS in row["keeps"], count[row["fingerprint"]], place

    known = [row for row in finished if has_learned_gates(row) and opens(row)]
    return max(known, key=rank)["run"] if known else None


def gates_first(rows: Iterable[Row]) -> list[Row]:
    """Rows in the order in which they are looked for: at work, with learned gates, baselines.

    Of those with gates, the ones that can be opened come before the ones that are a curve only.
    """

    def place(row: Row) -> tuple[bool, bool, bool]:
        return not is_active(row), not has_learned_gates(row), CURVE_ONLY in row["keeps"]

    return sorted(rows, key=place)


def gated_percent(row: Mapping[str, Any], key: str) -> float | None:
    """A fraction of a run with gates, in percent; a dense run has none."""
    return None if is_dense(row) or row[key] is None else round(100 * row[key], 2)


def seconds_taken(row: Mapping[str, Any]) -> float | None:
    """How long a run took, if it is over."""
    return row["ended"] - row["started"] if row["started"] and row["ended"] else None
