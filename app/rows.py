"""What the row of a run says: questions that several pages ask of `finegates`' rows."""

from collections.abc import Mapping
from typing import Any

from finegates.methods import METHODS
from finegates.runs.status import ACTIVE_STATES

Row = dict[str, Any]
"""From `finegates.runs.folder.Run.row`, or with notes and tags from `app.reading`."""


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


def gated_percent(row: Mapping[str, Any], key: str) -> float | None:
    """A fraction of a run with gates, in percent; a dense run has none."""
    return None if is_dense(row) or row[key] is None else round(100 * row[key], 2)


def seconds_taken(row: Mapping[str, Any]) -> float | None:
    """How long a run took, if it is over."""
    return row["ended"] - row["started"] if row["started"] and row["ended"] else None
