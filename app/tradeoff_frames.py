"""Points of the aggregation as frames: what the chart draws, and the table below it."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from app.charts.style import in_order
from finegates.aggregate import ROUNDED, TRAINED, Point
from finegates.methods import METHODS

LINE_COLUMNS = (
    "series", "method", "kind", "line", "removed", "closed", "target", "median", "low", "high",
    "num_seeds", "missing", "trained_target",
)  # fmt: skip
RUN_COLUMNS = ("series", "run", "seed", "score", "removed", "closed", "target")
BASELINE_COLUMNS = ("series", "method", "median", "low", "high", "num_seeds")

Rows = Mapping[str, Mapping[str, Any]]


def comparisons(points: Iterable[Point]) -> dict[str, list[Point]]:
    """What may stand in one chart: the points of a task, metric and model, under a name for it.

    The one with the most finished runs is first.
    """
    found: dict[tuple, list[Point]] = {}
    for point in points:
        found.setdefault((point.task, point.metric, point.model), []).append(point)
    models = {model for _, _, model in found}
    ordered = sorted(found.items(), key=lambda item: -sum(len(p.runs) for p in item[1]))
    return {_name(*place, len(models) > 1): each for place, each in ordered}


def _name(task: str, metric: str, model: str, with_model: bool) -> str:
    words = [task, metric] + ([model.rstrip("/").split("/")[-1]] if with_model else [])
    return ", ".join(word for word in words if word)


def series_of(point: Point) -> str:
    """The name of a line: its method, and what else tells it apart."""
    return f"{point.method} · {point.variant}" if point.variant else point.method


def is_baseline(point: Point) -> bool:
    """Whether it is a line across the chart: a dense method, trained."""
    method = METHODS.get(point.method)
    return point.kind == TRAINED and method is not None and not method.removes


def lines(points: Iterable[Point], rows: Rows) -> pd.DataFrame:
    """A row for each median that a line goes through; trained and rounded ones.

    A target that was asked for and has no finished run is a row without a median, so that the line
    has a gap there and nothing looks as if it had been measured.

    Args:
        points: Of one task, metric and model.
        rows: Run id -> the run's row, which knows what `Point` leaves out.
    """
    found = [
        (
            series_of(p), p.method, p.kind, f"{series_of(p)}, {p.kind}, {p.trained_target}",
            p.removed, _closed(p, rows), p.target, p.median, p.low, p.high, len(p.seeds),
            seed_list(p.missing_seeds), p.trained_target,
        )
        for p in points
        if not is_baseline(p)
    ]  # fmt: skip
    frame = pd.DataFrame(found, columns=list(LINE_COLUMNS))
    numbers = ["removed", "closed", "target", "median", "low", "high"]
    frame[numbers] = frame[numbers].astype(float)
    for column in ("removed", "closed"):  # where the gap is, between its neighbours
        by_line = frame.groupby("line", sort=False)[column]
        frame[column] = by_line.transform(lambda known: known.interpolate(limit_area="inside"))
    measured = frame.groupby("line")["median"].transform("count") > 0
    return _sorted_by_method(frame[measured])


def runs(points: Iterable[Point], rows: Rows) -> pd.DataFrame:
    """A row for each run that was trained for its target."""
    found = [
        (
            series_of(p), run, seed, score, rows[run]["removed_weights_fraction"],
            rows[run]["closed_gates_fraction"], p.target,
        )
        for p in points
        if p.kind == TRAINED and not is_baseline(p)
        for run, seed, score in zip(p.runs, p.seeds, p.scores, strict=True)
        if run in rows
    ]  # fmt: skip
    return pd.DataFrame(found, columns=list(RUN_COLUMNS))


def baselines(points: Iterable[Point]) -> pd.DataFrame:
    """A row for each dense method that was trained."""
    found = [
        (series_of(p), p.method, p.median, p.low, p.high, len(p.seeds))
        for p in points
        if is_baseline(p) and p.median is not None
    ]
    return _sorted_by_method(pd.DataFrame(found, columns=list(BASELINE_COLUMNS)))


def _closed(point: Point, rows: Rows) -> float | None:
    """Median share of closed gates of the runs; not known of rounded ones."""
    if point.kind == ROUNDED:
        return None
    values = [rows[run]["closed_gates_fraction"] for run in point.runs if run in rows]
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _sorted_by_method(frame: pd.DataFrame) -> pd.DataFrame:
    order = {name: place for place, name in enumerate(in_order(list(frame["method"])))}
    return frame.sort_values("method", key=lambda names: names.map(order), kind="stable")


def table(points: Sequence[Point]) -> pd.DataFrame:
    """A row for each point, those without a finished run too. Fractions are in percent."""
    return pd.DataFrame(
        [
            {
                "recipe": p.method,
                "kind": kind_name(p),
                "target": _percent(None if is_baseline(p) else p.target),
                "removed": _percent(None if is_baseline(p) else p.removed),
                "median": p.median,
                "low": p.low,
                "high": p.high,
                "seeds": len(p.seeds),
                "missing": seed_list(p.missing_seeds) or None,
                "relative": p.relative_to_full,
                "variant": p.variant or None,
            }
            for p in points
        ]
    )


def kind_name(point: Point) -> str:
    """How a point came to be, in words."""
    if is_baseline(point):
        return "dense"
    if point.kind != ROUNDED:
        return "trained"
    return "rounded" + (f" from {point.trained_target:.0%}" if point.trained_target else "")


def seed_list(seeds: Iterable[int]) -> str:
    """``(0, 1)`` -> ``"0, 1"``."""
    return ", ".join(map(str, seeds))


def missing(points: Iterable[Point]) -> list[str]:
    """What a group asked for and does not have, each in words."""
    return [
        f"{series_of(p)}{'' if is_baseline(p) else f' at {p.target:.0%}'}: "
        f"seed{'s' if len(p.missing_seeds) > 1 else ''} {seed_list(p.missing_seeds)}"
        for p in points
        if p.missing_seeds
    ]


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else 100 * fraction
