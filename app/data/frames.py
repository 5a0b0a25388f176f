"""What is known of a user's rows as frames: classes, lengths and what is wrong."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from finegates.data.findings import Finding

MOST_CLASSES = 20
MOST_BINS = 40
OTHERS = "others"
ROWS_NAMED = 8


def class_frame(counts: dict[str, int]) -> pd.DataFrame:
    """A row for each class, the largest first: label, rows, and share of the labelled rows.

    Beyond `MOST_CLASSES` the rest is one row.
    """
    items = sorted(counts.items(), key=lambda item: -item[1])
    rest = items[MOST_CLASSES:]
    if rest:
        items = [*items[:MOST_CLASSES], (f"{len(rest)} {OTHERS}", sum(n for _, n in rest))]
    frame = pd.DataFrame(items, columns=["label", "rows"])
    return frame.assign(share=frame["rows"] / max(frame["rows"].sum(), 1))


def histogram(values: np.ndarray) -> pd.DataFrame:
    """Counts of whole numbers on at most `MOST_BINS` bins of the same whole width.

    Returns:
        ``start`` and ``end`` (start inclusive, end exclusive), ``rows`` and ``share``.
    """
    low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    width = max(1, -(-(high - low + 1) // MOST_BINS))
    edges = np.arange(low, high + width + 1, width)
    rows, _ = np.histogram(values, bins=edges)
    frame = pd.DataFrame({"start": edges[:-1], "end": edges[1:], "rows": rows})
    return frame.assign(share=frame["rows"] / max(len(values), 1))


def fault_table(faults: Iterable[Finding]) -> pd.DataFrame:
    """A row for each finding: what it is, how many rows, which ones, and what it means."""
    return pd.DataFrame(
        [
            {
                "kind": "refused" if fault.refused else "warning",
                "what": fault.name,
                "number": len(fault.rows),
                "rows": rows_named(fault.rows),
                "text": fault.text,
            }
            for fault in faults
        ]
    )


def rows_named(rows: tuple[int, ...]) -> str:
    """``(1, 2, ...)`` -> ``"1, 2, …"``: the first `ROWS_NAMED`, and how many more."""
    shown = ", ".join(f"{row:,}" for row in rows[:ROWS_NAMED])
    return shown + (f" and {len(rows) - ROWS_NAMED:,} more" if len(rows) > ROWS_NAMED else "")
