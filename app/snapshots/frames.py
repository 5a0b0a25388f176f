"""Gates as frames: histograms of layers over steps, and what a snapshot's closed gates remove."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from app.reading.feed import Histograms
from app.snapshots.view import GateView
from app.words import ROLE_NAMES, kind_name
from finegates.gates.layout import GateLayout, layer_number, layer_word
from finegates.gates.removal import HISTOGRAM_EDGES, open_counts, removed_by_matrix
from finegates.gates.snapshots import Snapshot

CELL_BUDGET = 9000
"""Marks that a live chart may have: more would keep the browser busy between two updates."""

BIN_NAMES = (
    "0 (closed)",
    *(f"{low:.2f} to {low + 0.05:.2f}" for low in HISTOGRAM_EDGES[:-1]),
    "1 (fully open)",
)


def layer_counts(histograms: Histograms, roles: Collection[str]) -> tuple[list[int], np.ndarray]:
    """Counts of each layer, summed over the gate vectors of some roles.

    Returns:
        The layers, what goes through all of them first, and counts of shape
        ``(num_steps, num_layers, num_bins)``.
    """
    places = [name.split(".") for name in histograms.names]
    numbers = [layer_number(layer) for layer, _, _ in places]
    layers = sorted({n for n, (_, role, _) in zip(numbers, places, strict=True) if role in roles})
    columns = [
        [i for i, (_, role, _) in enumerate(places) if numbers[i] == one and role in roles]
        for one in layers
    ]
    parts = [histograms.counts[:, indices].sum(axis=1) for indices in columns]
    return layers, np.stack(parts, axis=1)


def shares(
    histograms: Histograms, roles: Collection[str], at: np.ndarray, total_steps: int = 0
) -> pd.DataFrame:
    """The share of each layer's gates in each bin, at the steps with the given places.

    Returns:
        Columns ``layer`` (a word), ``panel`` (0, 1, ...), ``step``, ``start`` and ``end`` (of its
        cell, as fractions of the training), ``bin``, ``values`` (the bin in words), ``gates`` and
        ``share``; empty bins are left out.
    """
    layers, counts = layer_counts(histograms, roles)
    counts = counts[at]
    share = counts / counts.sum(axis=2, keepdims=True)
    column, panel, bin_ = np.nonzero(counts)
    starts, ends = cells(histograms.steps[at], total_steps)
    whole = max(total_steps, ends[-1])
    return pd.DataFrame(
        {
            "layer": np.array([*map(layer_word, layers)], dtype=object)[panel],
            "panel": panel,
            "step": histograms.steps[at][column],
            "start": starts[column] / whole,
            "end": ends[column] / whole,
            "bin": bin_,
            "values": np.array(BIN_NAMES)[bin_],
            "gates": counts[column, panel, bin_],
            "share": share[column, panel, bin_],
        }
    )


def cells(steps: np.ndarray, total_steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the cell of each step begins and ends: up to the next one, the last as wide."""
    width = int(np.median(np.diff(steps))) if len(steps) > 1 else 1
    last = steps[-1] + max(1, width)
    if total_steps > steps[0]:
        last = min(last, max(total_steps, steps[-1] + 1))
    return steps.astype(float), np.append(steps[1:], last).astype(float)


def some_steps(num_steps: int, num_layers: int) -> np.ndarray:
    """Places of steps, evenly spread and the last among them, as many as a chart can bear."""
    limit = int(np.clip(CELL_BUDGET // (num_layers * len(BIN_NAMES)), 12, 48))
    return np.unique(np.linspace(0, num_steps - 1, min(limit, num_steps)).round().astype(int))


def closing(histograms: Histograms, roles: Collection[str], total_steps: int = 0) -> pd.DataFrame:
    """The closed share of each layer at each shown step, with where its cell begins and ends."""
    layers, counts = layer_counts(histograms, roles)
    at = some_steps(len(histograms.steps), len(layers))
    starts, ends = cells(histograms.steps[at], total_steps)
    closed = counts[at, :, 0] / counts[at].sum(axis=2)
    return pd.DataFrame(
        {
            "step": np.repeat(histograms.steps[at], len(layers)),
            "start": np.repeat(starts, len(layers)),
            "end": np.repeat(ends, len(layers)),
            "layer": np.tile([*map(layer_word, layers)], len(at)),
            "closed": closed.ravel(),
            "gates": counts[at, :, 0].ravel(),
        }
    )


def removed_frame(snapshot: Snapshot | GateView) -> pd.DataFrame:
    """The removed fraction of each matrix: columns ``layer``, ``role``, ``matrix``, ``removed``."""
    removed = removed_by_matrix(snapshot.layout, snapshot.closed)
    rows = [
        (m.layer, m.role, ROLE_NAMES[m.role], float(r), m.num_weights)
        for m, r in zip(snapshot.layout.matrices, removed, strict=True)
    ]
    return pd.DataFrame(rows, columns=["layer", "role", "matrix", "removed", "weights"])


def survivors(snapshot: Snapshot | GateView) -> pd.DataFrame:
    """Open gates of each vector.

    Returns:
        Columns ``layer``, ``role``, ``side``, ``open``, ``gates``, ``place`` (the layer as a word),
        ``matrix`` (in words) and ``share``.
    """
    layout: GateLayout = snapshot.layout
    counts = open_counts(layout, snapshot.closed)
    rows = [
        (v.layer, v.kind, v.side, int(n), v.size)
        for v, n in zip(layout.vectors, counts, strict=True)
    ]
    frame = pd.DataFrame(rows, columns=["layer", "role", "side", "open", "gates"])
    return frame.assign(
        place=frame["layer"].map(layer_word),
        matrix=[kind_name(role, layout.is_decoder) for role in frame["role"]],
        share=frame["open"] / frame["gates"],
    )
