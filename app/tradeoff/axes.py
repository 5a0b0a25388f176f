"""What the trade-off chart can be drawn across, and the kinds of curve it can show."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.reading.run_costs import RunCosts
from app.words import TERMS
from finegates.results.point import ROUNDED, THRESHOLDS, TRAINED, Point

AXES = {
    "removed": ("Weights removed", TERMS["removed"]),
    "closed": ("Gates closed", TERMS["closed"]),
    "target": ("Target", TERMS["target"]),
    "macs": (
        "Multiply-accumulates saved",
        "Of those that a dense pass of 128 tokens needs: what the smaller model needs less.",
    ),
    "time": (
        "Time saved",
        "Measured, of the time of a dense pass: 50 % is twice as fast, below 0 is slower. The "
        "newest timing of each run at that very cut.",
    ),
}
"""Column -> its title and what it means. Each is a fraction."""
KNOWN_AXES = ("removed", "closed", "target")
"""Those that every finished run knows; the others are measured on the Prune page."""

KIND_NAMES = {
    TRAINED: "one training per target",
    ROUNDED: "one run, budgets",
    THRESHOLDS: "one run, thresholds",
}


@dataclass(frozen=True)
class Known:
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
