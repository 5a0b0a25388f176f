"""What is known of a user's rows as frames: classes, numbers and lengths."""

import numpy as np
import pandas as pd

MOST_CLASSES = 20
MOST_BINS = 40
ROWS_IN_A_BIN = 4
"""Fewer bins than rows, or a histogram is a row of needles."""
LARGEST_WHOLE = 2**53
"""Beyond it a float is whole because it has no digits left."""
OTHERS = "others"


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


def majority_share(counts: dict[str, int]) -> float:
    """Accuracy of always answering the largest class; 0 without a labelled row."""
    return max(counts.values(), default=0) / max(sum(counts.values()), 1)


def plain(number: float) -> str:
    """Four digits of a number, without an exponent where people need none: ``165,200``."""
    return f"{float(f'{number:.4g}'):,.10g}"


def target_histogram(values: np.ndarray) -> pd.DataFrame:
    """As `histogram`, of any finite numbers: whole ones on whole bins, others on equal ones."""
    if len(values) and np.all(values % 1 == 0) and np.abs(values).max() < LARGEST_WHOLE:
        return histogram(values.astype(np.int64))
    rows, edges = np.histogram(values, bins=max(1, min(MOST_BINS, len(values) // ROWS_IN_A_BIN)))
    frame = pd.DataFrame({"start": edges[:-1], "end": edges[1:], "rows": rows})
    return frame.assign(share=frame["rows"] / max(len(values), 1))
