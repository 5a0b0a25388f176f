"""The values of one gate vector's gates at several steps, as a ridge is drawn."""

import numpy as np
import pandas as pd

from app.reading.feed import Histograms
from app.snapshots.frames import BIN_NAMES
from finegates.gates.removal import HISTOGRAM_BINS, HISTOGRAM_EDGES

MOST_ROWS = 24
END_WIDTH, END_GAP = 0.06, 0.02
"""Of the bins of exactly 0 and exactly 1, in units of the gate value; they stand apart."""

_LOW = np.array([-END_GAP - END_WIDTH, *HISTOGRAM_EDGES[:-1], 1 + END_GAP])
_HIGH = np.array([-END_GAP, *HISTOGRAM_EDGES[1:], 1 + END_GAP + END_WIDTH])


def vectors_of(histograms: Histograms) -> dict[str, list[str]]:
    """Layer, as the names of vectors begin, -> its gate vectors, as ``"q.in"``."""
    layers: dict[str, list[str]] = {}
    for name in histograms.names:
        layer, _, vector = name.partition(".")
        layers.setdefault(layer, []).append(vector)
    return layers


def ridge(histograms: Histograms, layer: str, vector: str, most: int = MOST_ROWS) -> pd.DataFrame:
    """Bins of a gate vector at some steps, evenly spread over those logged, first and last too.

    Returns:
        Columns ``row`` (0 is the oldest), ``step``, ``bin``, ``low`` and ``high`` (its edges on the
        chart), ``values`` (the bin in words), ``gates`` and ``share``, the newest step first.
    """
    counts = histograms.counts[:, histograms.names.index(f"{layer}.{vector}"), :]
    last = len(histograms.steps) - 1
    places = np.unique(np.linspace(0, last, min(most, last + 1)).round().astype(int))[::-1]
    bins = np.arange(HISTOGRAM_BINS + 2)
    chosen = counts[places]
    return pd.DataFrame(
        {
            "row": np.repeat(np.arange(len(places))[::-1], len(bins)),
            "step": np.repeat(histograms.steps[places], len(bins)),
            "bin": np.tile(bins, len(places)),
            "low": np.tile(_LOW, len(places)),
            "high": np.tile(_HIGH, len(places)),
            "values": np.tile(BIN_NAMES, len(places)),
            "gates": chosen.ravel(),
            "share": (chosen / chosen.sum(axis=1, keepdims=True)).ravel(),
        }
    )
