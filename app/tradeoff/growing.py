"""Runs at work as points of the trade-off chart: where each of them stands now."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from app.charts.axes import AXES
from app.rows import Row, removes
from finegates.results.points import TRAINED, Point
from finegates.runs.status import LIVE_STATES

GROWING_COLUMNS = ("name", "run", "state", "method", "metric", "score", "done", *AXES)


def growing(rows: Iterable[Row], expected: Callable[[str], float | None]) -> pd.DataFrame:
    """A row for each run at work that removes something and has been evaluated.

    Args:
        rows: From `app.reading.runs.run_rows`.
        expected: Run id -> the fraction that its gates would remove as they are now; None once they
            are rounded to the target, and what is removed is known.
    """
    found = [_place(row, expected(row["run"])) for row in rows if is_growing(row)]
    frame = pd.DataFrame(found, columns=list(GROWING_COLUMNS))
    frame[["score", "done", *AXES]] = frame[["score", "done", *AXES]].astype(float)
    return frame


def is_growing(row: Mapping[str, Any]) -> bool:
    """Whether a run has a point that moves."""
    return row["status"] in LIVE_STATES and removes(row) and row["score"] is not None


def _place(row: Row, expected: float | None) -> dict[str, Any]:
    return {
        "name": row["name"],
        "run": row["run"],
        "state": row["status"],
        "method": row["method"],
        "metric": row["metric"],
        "score": row["score"],
        "done": row["step"] / row["total_steps"] if row["total_steps"] else None,
        "removed": row["removed_weights_fraction"] if expected is None else expected,
        "closed": row["closed_gates_fraction"],
        "target": row["target_fraction"],
        "macs": None,
        "time": None,
    }


def with_growing(points: Sequence[Point], rows: Iterable[Row]) -> list[Point]:
    """The points, and an empty one for each run at work that none of them is like.

    So its panel is there before a run has finished.

    Args:
        points: From `app.reading.results.medians`.
        rows: Of the same runs.
    """
    found = list(points)
    for row in rows:
        if is_growing(row) and not any(is_alike(row, point) for point in found):
            found.append(_empty(row))
    return found


def is_alike(row: Mapping[str, Any], point: Point) -> bool:
    """Whether the run may stand in one panel with this point."""
    same_data = point.fingerprint in ("", row["fingerprint"])
    same_metric = point.metric in ("", row["metric"])
    same = (point.task, point.model) == (row["task"], row["model"])
    return same and same_data and same_metric


def _empty(row: Mapping[str, Any]) -> Point:
    return Point(
        task=row["task"], metric=row["metric"], model=row["model"], method=row["method"],
        kind=TRAINED, target=row["target_fraction"], scores=(), seeds=(), missing_seeds=(),
        median=None, low=None, high=None, removed=None, removed_low=None, removed_high=None,
        relative_to_full=None, runs=(), fingerprint=row["fingerprint"], data_name=row["data_name"],
    )  # fmt: skip
