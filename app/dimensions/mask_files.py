"""Which dimensions are kept, as files: boolean arrays by vector name, or a line for each dimension.

Several runs stand next to each other: in the ``.npz`` behind their id, ``<run>/<vector>``, in the
``.csv`` as one column each.
"""

import io
from collections.abc import Sequence

import numpy as np

from app.snapshots.view import GateView
from finegates.files.spreadsheet import csv_text
from finegates.gates.layout import layer_word


def masks_npz(shown: Sequence[GateView]) -> bytes:
    """Boolean arrays, true where kept: ``0.q.in``, or ``<run>/0.q.in`` where runs are several."""
    arrays = {
        f"{gates.run}/{name}" if len(shown) > 1 else name: part
        for gates in shown
        for name, part in gates.layout.split(gates.kept).items()
    }
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **arrays)
    return file.getvalue()


def masks_csv(shown: Sequence[GateView]) -> str:
    """A line for each gate: its place, then 1 where kept; of one run its value too.

    Runs of several have to have the same layout.
    """
    layout = shown[0].layout
    at = layout.vector_index
    vectors = layout.vectors
    columns = {
        "vector": np.array([v.name for v in vectors], dtype=object)[at],
        "layer": np.array([layer_word(v.layer) for v in vectors], dtype=object)[at],
        "matrix": np.array([v.kind for v in vectors], dtype=object)[at],
        "side": np.array([v.side for v in vectors], dtype=object)[at],
        "dimension": np.arange(layout.num_gates) - np.array([v.start for v in vectors])[at],
    }
    if len(shown) == 1:
        columns |= {"kept": shown[0].kept.astype(int), "value": shown[0].values.round(6)}
    else:
        columns |= {gates.run: gates.kept.astype(int) for gates in shown}
    return csv_text([*columns], zip(*columns.values(), strict=True))


def file_name(shown: Sequence[GateView], ending: str) -> str:
    """Says which run, step and threshold, or how many runs."""
    first = shown[0]
    what = f"{first.run}-step{first.step}" if len(shown) == 1 else f"{len(shown)}-runs"
    at = f"-above-{first.threshold:g}" if first.threshold else ""
    return f"masks-{what}{at}.{ending}"
