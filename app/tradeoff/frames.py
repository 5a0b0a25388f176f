"""Points of the aggregation as frames: what the trade-off chart draws."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import pandas as pd

from app.charts.axes import AXES
from app.charts.style import in_order
from app.text import seed_list, short_model
from app.tradeoff.run_facts import RunFacts
from finegates.data.metric_kinds import goodness
from finegates.methods import METHODS
from finegates.results.points import TRAINED, Point, pareto_front

LINE_COLUMNS = (
    "series", "method", "kind", "line", *AXES, "where", "median", "low", "high", "num_seeds",
    "missing", "trained_target",
)  # fmt: skip
RUN_COLUMNS = ("series", "run", "seed", "score", *AXES, "where")
FRONT_DIGITS = 3
BASELINE_COLUMNS = ("series", "method", "median", "low", "high", "num_seeds")


def comparisons(points: Iterable[Point]) -> dict[str, list[Point]]:
    """What may stand in one chart: the points of one data set, metric and model, under its name.

    The one with the most finished runs is first.
    """
    found: dict[tuple[str, str, str], list[Point]] = {}
    for point in points:
        found.setdefault((point.data_name, point.metric, point.model), []).append(point)
    models = {model for _, _, model in found}
    ordered = sorted(found.items(), key=lambda item: -sum(len(p.runs) for p in item[1]))
    return {_name(*place, len(models) > 1): each for place, each in ordered}


def _name(data: str, metric: str, model: str, with_model: bool) -> str:
    words = [data, metric] + ([short_model(model)] if with_model else [])
    return ", ".join(word for word in words if word)


def series_of(point: Point) -> str:
    """The name of a line: its method, and the settings that set it apart."""
    return f"{point.method} · {point.variant}" if point.variant else point.method


def is_baseline(point: Point) -> bool:
    """Whether it is a line across the chart: a dense method, trained."""
    method = METHODS.get(point.method)
    return point.kind == TRAINED and method is not None and not method.removes


def shown_points(
    points: Iterable[Point], kinds: Collection[str], methods: Collection[str] = ()
) -> list[Point]:
    """Points of these kinds and methods; no method allows any. Dense baselines have no kind."""
    return [
        p
        for p in points
        if (is_baseline(p) or p.kind in kinds) and (not methods or p.method in methods)
    ]


def lines(points: Iterable[Point], known: RunFacts) -> pd.DataFrame:
    """A row for each median that a line goes through, of every kind of curve.

    A target that was asked for and has no finished run is a row without a median, so that the line
    has a gap there and nothing looks as if it had been measured.

    Args:
        points: Of one task, metric and model.
        known: What is known of their runs.
    """
    rows = [_line_row(point, known) for point in points if not is_baseline(point)]
    frame = pd.DataFrame(rows, columns=list(LINE_COLUMNS))
    numbers = [*AXES, "median", "low", "high"]
    frame[numbers] = frame[numbers].astype(float)
    gaps = frame["line"].isin(frame["line"][frame["median"].isna()])
    for column in AXES if gaps.any() else ():  # where a gap is, between its neighbours
        by_line = frame[gaps].groupby("line", sort=False)[column]
        between = by_line.transform(lambda values: values.interpolate(limit_area="inside"))
        frame[column] = frame[column].where(frame["median"].notna(), between)
    measured = frame.groupby("line")["median"].transform("count") > 0
    return _sorted_by_method(frame[measured])


def _line_row(point: Point, known: RunFacts) -> dict[str, Any]:
    name = series_of(point)
    return known.median_place(point) | {
        "series": name,
        "method": point.method,
        "kind": point.kind,
        "line": f"{name}, {point.kind}, {point.trained_target}",
        "median": point.median,
        "low": point.low,
        "high": point.high,
        "num_seeds": len(point.seeds),
        "missing": seed_list(point.missing_seeds),
        "trained_target": point.trained_target,
    }


def runs(points: Iterable[Point], known: RunFacts) -> pd.DataFrame:
    """A row for each run that was trained for its target."""
    found = [
        {"series": series_of(p), "run": run, "seed": seed, "score": score, **known.place(p, run)}
        for p in points
        if p.kind == TRAINED and not is_baseline(p)
        for run, seed, score in zip(p.runs, p.seeds, p.scores, strict=True)
        if run in known.rows
    ]
    frame = pd.DataFrame(found, columns=list(RUN_COLUMNS))
    frame[list(AXES)] = frame[list(AXES)].astype(float)
    return frame


def baselines(points: Iterable[Point]) -> pd.DataFrame:
    """A row for each dense method that was trained."""
    found = [
        (series_of(p), p.method, p.median, p.low, p.high, len(p.seeds))
        for p in points
        if is_baseline(p) and p.median is not None
    ]
    return _sorted_by_method(pd.DataFrame(found, columns=list(BASELINE_COLUMNS)))


def front(lines: pd.DataFrame, axis: str, metric: str) -> pd.DataFrame:
    """The rows of `lines` that no other row beats in both median score and this axis.

    What differs by less than a tenth of a percent on the axis is the same: a run that was asked
    for 60 % may have removed 59.9994 %.
    """
    known = lines.dropna(subset=[axis, "median"])
    places = known[axis].round(FRONT_DIGITS)
    good = [goodness(metric, score) for score in known["median"]]
    return known.iloc[pareto_front(list(zip(places, good, strict=True)))]


def unmeasured(points: Sequence[Point], known: RunFacts, axis: str) -> tuple[list[str], int]:
    """Runs that have no number on this axis at any of their points, and how many runs there are.

    Dense baselines, which lie across the chart, are not counted.
    """
    drawn = [(p, run) for p in points if not is_baseline(p) for run in p.runs]
    have = {run for point, run in drawn if known.place(point, run)[axis] is not None}
    ids = [*dict.fromkeys(run for _, run in drawn)]
    return [run for run in ids if run not in have], len(ids)


def timed_on(points: Iterable[Point], known: RunFacts) -> list[str]:
    """Every machine and shape that the points' cuts were timed on."""
    places = (known.place(p, run)["where"] for p in points if not is_baseline(p) for run in p.runs)
    return sorted({*places} - {""})


def _sorted_by_method(frame: pd.DataFrame) -> pd.DataFrame:
    order = {name: place for place, name in enumerate(in_order(list(frame["method"])))}
    return frame.sort_values("method", key=lambda names: names.map(order), kind="stable")
