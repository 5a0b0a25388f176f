"""Points of the aggregation as the table below the trade-off chart, and what is missing of them."""

from collections.abc import Iterable, Sequence

import pandas as pd

from app.text import seed_list
from app.tradeoff.frames import is_baseline, series_of
from finegates.results.points import ROUNDED, THRESHOLDS, TRAINED, Point


def table(points: Sequence[Point]) -> pd.DataFrame:
    """A row for each point, those without a finished run too. Fractions are in percent."""
    return pd.DataFrame(
        [
            {
                "task": p.data_name,
                "recipe": p.method,
                "kind": kind_name(p),
                "target": None if is_cut or is_baseline(p) else 100 * p.target,
                "threshold": p.target if is_cut else None,
                "removed": None if is_baseline(p) or p.removed is None else 100 * p.removed,
                "median": p.median,
                "low": p.low,
                "high": p.high,
                "seeds": len(p.seeds),
                "missing": seed_list(p.missing_seeds) or None,
                "relative": p.relative_to_full,
                "variant": p.variant or None,
            }
            for p in points
            for is_cut in [p.kind == THRESHOLDS]
        ]
    )


def kind_name(point: Point) -> str:
    """How a point came to be, in words."""
    if is_baseline(point):
        return "dense"
    if point.kind == TRAINED:
        return "trained"
    word = "rounded" if point.kind == ROUNDED else "cut"
    return word + (f" from {point.trained_target:.0%}" if point.trained_target else "")


def missing(points: Iterable[Point]) -> list[str]:
    """What a group asked for and does not have, each in words; cuts are not asked for."""
    return [
        f"{series_of(p)}{'' if is_baseline(p) else f' at {p.target:.0%}'}: "
        f"seed{'s' if len(p.missing_seeds) > 1 else ''} {seed_list(p.missing_seeds)}"
        for p in points
        if p.missing_seeds and p.kind == TRAINED
    ]
