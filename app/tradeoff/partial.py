"""Points of curves that grow: scored on a part of the rows, with where the score on all is."""

from collections.abc import Collection, Iterable, Mapping

import pandas as pd

from app.charts.axes import AXES
from app.reading.run_costs import RunCosts
from app.rows import Row
from finegates.gates.cuts import cut_of
from finegates.results.points import ROUNDED, THRESHOLDS

CURVE_KINDS = (ROUNDED, THRESHOLDS)
PARTIAL_COLUMNS = ("name", "run", "method", "cut", "score", "low", "high", "rows", *AXES)


def partial_points(
    rows: Iterable[Row], costs: Mapping[str, RunCosts], kinds: Collection[str]
) -> pd.DataFrame:
    """A row for each such point of the runs that are shown.

    Args:
        rows: From `app.reading.runs.run_rows`.
        costs: From `app.reading.results.costs_of`.
        kinds: Kinds of points that are drawn; one of `CURVE_KINDS` is enough, for the points of a
            curve are of both and belong together.
    """
    found = []
    for row in rows if {*CURVE_KINDS} & {*kinds} else ():
        for point in costs.get(row["run"], RunCosts()).partial:
            if cut := cut_of(point):
                found.append(
                    {
                        "name": row["name"],
                        "run": row["run"],
                        "method": row["method"],
                        "cut": cut.words,
                        "score": point["score"],
                        "low": point["score_low"],
                        "high": point["score_high"],
                        "rows": f"{point['rows']:,} of {point['all_rows']:,}",
                        "removed": point["removed_weights_fraction"],
                        "closed": point.get("closed_gates_fraction"),
                        "target": point.get("remove"),
                        "macs": 1 - 1 / ratio if (ratio := point.get("mac_ratio")) else None,
                        "time": None,
                    }
                )
    frame = pd.DataFrame(found, columns=list(PARTIAL_COLUMNS))
    numbers = ["score", "low", "high", *AXES]
    frame[numbers] = frame[numbers].astype(float)
    return frame
