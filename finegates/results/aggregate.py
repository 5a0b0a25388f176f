"""From finished runs to the points of a table or a chart: medians over seeds, honestly apart.

Used by the page, by ``table`` and by the docs alike.
"""

import json
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from finegates.data.metric_kinds import share_of
from finegates.groups.file import Cell, Group
from finegates.methods import METHODS
from finegates.results.points import ROUNDED, THRESHOLDS, TRAINED, Point
from finegates.results.rows import EXPECTED, RunRow, expected_row, group_rows, run_rows
from finegates.results.variants import Variants

__all__ = ["ROUNDED", "THRESHOLDS", "TRAINED", "Point", "group_points", "points", "run_rows"]

FULL = "full"
_TARGET_DIGITS = 6
"""Targets that agree so far are one: 0.1 + 0.2 and 0.3."""


def group_points(group: Group, runs_dir: Path) -> list[Point]:
    """Points of a group's runs, with what is missing."""
    return points(group_rows(group, runs_dir))


def points(rows: Iterable[RunRow], expected: Iterable[Cell] = ()) -> list[Point]:
    """Points of rows; rows that have not finished, or have no score, are passed over.

    Where a seed was run more than once, its newest run counts. Runs that differ in more than the
    seed are never averaged: they become points of their own, which differ in ``variant``.

    Args:
        rows: From `run_rows`, in any order.
        expected: What should be there, in all settings and data of the rows. A cell without any
            finished run becomes a point without scores.

    Returns:
        Sorted by data, method and target; trained ones, then rounded ones, then thresholds.
    """
    rows = list(rows)
    done = [row for row in rows if row.status == "finished" and row.score is not None]
    wanted = [row for row in rows if row.status == EXPECTED]
    wanted += [row for cell in expected for row in _expected_anywhere(cell, done)]
    asked = _grouped(wanted, _recipe)
    answered = {_recipe(row) for row in done if row.kind == TRAINED}
    seeds = {recipe: {row.seed for row in alike} for recipe, alike in asked.items()}
    variants = Variants([*done, *wanted])
    metrics = {_home(row): row.metric for row in done}
    found = [_point(bucket, seeds, variants) for bucket in _grouped(done, _bucket).values()]
    for recipe in asked.keys() - answered:
        row = asked[recipe][0]
        metric = metrics.get(_home(row), "")
        found.append(_point([replace(row, metric=metric)], seeds, variants))
    return sorted(_related(found), key=_order)


def _point(bucket: Sequence[RunRow], seeds: Mapping[str, set[int]], variants: Variants) -> Point:
    """The point of rows that differ in the seed alone."""
    row = bucket[0]
    newest = {r.seed: r for r in sorted(bucket, key=lambda r: r.created)}
    kept = [newest[seed] for seed in sorted(newest) if newest[seed].score is not None]
    scores = tuple(r.score for r in kept if r.score is not None)
    removed = [value for r in kept if (value := _removed(r)) is not None]
    found = tuple(r.seed for r in kept)
    return Point(
        **{name: getattr(row, name) for name in ("task", "metric", "model", "method", "kind")},
        target=_target(row),
        scores=scores,
        seeds=found,
        missing_seeds=tuple(sorted(seeds.get(_recipe(row), set()) - {*found})),
        median=statistics.median(scores) if scores else None,
        low=min(scores, default=None),
        high=max(scores, default=None),
        removed=statistics.median(removed) if removed else None,
        removed_low=min(removed, default=None),
        removed_high=max(removed, default=None),
        relative_to_full=None,
        runs=tuple(r.run for r in kept),
        trained_target=row.trained_target,
        variant=variants.label(row),
        shared=variants.shared(row),
        fingerprint=row.fingerprint,
        data_name=variants.data_name(row),
        rmse=_median_of(kept, "rmse"),
        rmse_of_mean=_median_of(kept, "rmse_of_mean"),
        speedup=_median_of(kept, "speedup"),
        reference=_median_of(kept, "reference_score"),
    )


def _median_of(rows: Sequence[RunRow], name: str) -> float | None:
    """Of what is known; None if nothing is."""
    known = [value for row in rows if (value := getattr(row, name)) is not None]
    return statistics.median(known) if known else None


def _removed(row: RunRow) -> float | None:
    removed = row.removed_weights_fraction
    dense = row.method in METHODS and not METHODS[row.method].removes
    return 0.0 if removed is None and dense and row.kind == TRAINED else removed


def _expected_anywhere(cell: Cell, done: Sequence[RunRow]) -> list[RunRow]:
    """A cell's settings are not known: it is expected wherever its method was run."""
    anywhere: dict[str, Any] = {_json(*_home(r)): (r.task, r.model, {}, r.source) for r in done}
    known = {
        _recipe(r): (r.task, r.model, r.settings, r.source) for r in done if r.method == cell.method
    }
    places = [*(known or anywhere).values()] or [("", "", {}, "")]
    return [expected_row(cell, *place) for place in places]


def _related(found: Sequence[Point]) -> list[Point]:
    """Points with their share of what they started from, or of full fine-tuning on that data."""
    full: dict[tuple, dict[str, float]] = {}
    for point in found:
        median = point.median or 0.0
        if point.method == FULL and point.kind == TRAINED and median > 0:
            full.setdefault(_data(point), {})[point.variant] = median
    return [replace(p, relative_to_full=_share(p, full.get(_data(p), {}))) for p in found]


def _share(point: Point, full: Mapping[str, float]) -> float | None:
    """Of the full fine-tuning with the same settings; else of the only one there is."""
    only = next(iter(full.values())) if len(full) == 1 else None
    whole = full.get(point.variant, only)
    if point.reference and point.reference > 0:
        whole = point.reference
    if point.median is None or not whole:
        return None
    return 100 * share_of(point.metric, point.median, whole)


def _data(point: Point) -> tuple:
    return point.task, point.metric, point.model, point.fingerprint


def _target(row: RunRow) -> float:
    return round(row.target_fraction, _TARGET_DIGITS)


def _recipe(row: RunRow) -> str:
    """What was trained, but for the seed."""
    settings, target = sorted(row.settings.items()), round(row.trained_for, _TARGET_DIGITS)
    return _json(*_home(row), row.method, settings, target)


def _home(row: RunRow) -> tuple[str, str, str]:
    """What rows have to share for one to be missing next to the others."""
    return row.task, row.data_name, row.model


def _bucket(row: RunRow) -> str:
    """What rows have in common that are averaged."""
    return _json(_recipe(row), row.kind, _target(row), row.metric, row.fingerprint)


def _json(*values: Any) -> str:
    return json.dumps(values)


def _grouped(rows: Iterable[RunRow], key: Callable[[RunRow], str]) -> dict[str, list[RunRow]]:
    groups: dict[str, list[RunRow]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def _order(point: Point) -> tuple:
    methods = [*METHODS]
    place = methods.index(point.method) if point.method in METHODS else len(methods)
    trained_target = point.trained_target if point.trained_target is not None else -1.0
    kinds = (TRAINED, ROUNDED, THRESHOLDS)
    return (
        point.task, point.data_name, point.metric, point.model, place, point.method, point.variant,
        kinds.index(point.kind), trained_target, point.target,
    )  # fmt: skip
