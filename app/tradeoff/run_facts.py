"""What is known of the runs that the trade-off chart shows, and where each of them stands."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.charts.axes import AXES
from app.reading.run_costs import RunCosts
from finegates.results.points import THRESHOLDS, TRAINED, Point


@dataclass(frozen=True)
class RunFacts:
    """What is known of the runs of the points that are drawn.

    Attributes:
        rows: Run id -> its row, which knows what `Point` leaves out.
        costs: Run id -> what was measured of its cuts.
    """

    rows: Mapping[str, Mapping[str, Any]]
    costs: Mapping[str, RunCosts]

    def place(self, point: Point, run: str) -> dict[str, Any]:
        """Where one run of a point stands on each axis, and what it was timed on."""
        row, trained = self.rows.get(run, {}), point.kind == TRAINED
        own = row.get("removed_weights_fraction")
        cost = self.costs.get(run, RunCosts()).at(point.kind, point.target, own)
        return {
            "removed": own if trained else point.removed,
            "closed": row.get("closed_gates_fraction") if trained else cost.closed,
            "target": None if point.kind == THRESHOLDS else point.target,
            "macs": cost.macs,
            "time": cost.time,
            "where": cost.where,
        }

    def median_place(self, point: Point) -> dict[str, Any]:
        """Where the median over seeds stands: the median over those that know it."""
        places = [self.place(point, run) for run in point.runs]
        found = {axis: _median([p[axis] for p in places]) for axis in AXES}
        wheres = sorted({place["where"] for place in places if place["where"]})
        target = None if point.kind == THRESHOLDS else point.target
        return found | {"removed": point.removed, "target": target, "where": "; ".join(wheres)}


def _median(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
