"""What a report shows of gates: closing over the steps, values at the end, what is left."""

from itertools import pairwise
from typing import Any

import numpy as np

from finegates.gates.layout import layer_number
from finegates.gates.removal import HISTOGRAM_EDGES, histogram, open_counts, removed_by_matrix
from finegates.gates.snapshots import Snapshot
from finegates.reports.figures import axis, heat_map, label
from finegates.reports.html import Figure, Html, table
from finegates.reports.words import ROLE_NAMES, SIDE_NAMES, kind_name, layer_name
from finegates.runs.folder import Run

BINS = (
    "closed",
    *(f"{low:.2f}–{high:.2f}" for low, high in pairwise(HISTOGRAM_EDGES)),
    "fully open",
)  # fmt: skip
_DECADES = (1, 10, 100, 1_000, 10_000, 100_000)


def closing(run: Run) -> Figure | None:
    """The closed share of each layer over the steps; None before the first histogram."""
    rows = _histogram_rows(run)
    if not rows:
        return None
    counts = {step: _closed_of_layers(of_step) for step, of_step in rows.items()}
    layers = sorted({layer for of_step in counts.values() for layer in of_step})
    z = [[of_step.get(layer) for of_step in counts.values()] for layer in layers]
    return heat_map(
        "Closed share of each layer", "The darker, the more of the layer's gates are closed.",
        z, [*counts], [*map(layer_name, layers)], axis("step"),
        axis("", autorange="reversed"), colorbar=_bar(".0%"), zmin=0, colorscale=SHADES,
        hovertemplate="step %{x}, %{y}: %{z:.1%} closed<extra></extra>", xgap=0,
    )  # fmt: skip


def values_of_layers(snapshot: Snapshot) -> Figure:
    """Gate values of each layer on fixed bins, their numbers as tones of a logarithm."""
    layers = _layers_with_gates(snapshot)
    of_layer = np.array([vector.layer for vector in snapshot.layout.vectors])
    per_gate = of_layer[snapshot.layout.vector_index]
    counts = [histogram(snapshot.values[per_gate == layer]) for layer in layers]
    z = [[float(np.log10(n)) if n else None for n in row] for row in counts]
    text = [[f"{n:,}" if n else "" for n in row] for row in counts]
    ticks = {"tickvals": [*range(len(_DECADES))], "ticktext": [f"{n:,}" for n in _DECADES]}
    return heat_map(
        f"Gate values at step {snapshot.step:,}",
        "Gates of each layer by their value in evaluation, from 0 (closed) to 1 (fully open). "
        "Tones are logarithmic, as most gates are at one of the ends.",
        z, BINS, [*map(layer_name, layers)], axis("value", type="category"),
        axis("", autorange="reversed"), colorbar={**_bar(""), **ticks, "title": {"text": "gates"}},
        customdata=text, zmin=0, colorscale=SHADES,
        hovertemplate="%{y}, %{x}: %{customdata} gates<extra></extra>",
    )  # fmt: skip


def removed(snapshot: Snapshot) -> Figure:
    """The removed share of each matrix, with its number."""
    layout = snapshot.layout
    shares = dict(zip(layout.matrices, removed_by_matrix(layout, snapshot.closed), strict=True))
    roles, layers = list(dict.fromkeys(m.role for m in layout.matrices)), layout.layers
    found = {(m.layer, m.role): float(share) for m, share in shares.items()}
    z = [[found.get((layer, role)) for layer in layers] for role in roles]
    return heat_map(
        "Removed weights of each matrix", "In closed rows and columns, as a share of the matrix.",
        z, [f"L{layer}" for layer in layers], [label(ROLE_NAMES.get(r, r)) for r in roles],
        axis(""), axis("", autorange="reversed"), colorbar=_bar(".0%"), zmin=0, zmax=1,
        texttemplate="%{z:.0%}", colorscale=SHADES,
        hovertemplate="%{y}, %{x}: %{z:.1%} removed<extra></extra>",
    )  # fmt: skip


def survivors(snapshot: Snapshot) -> Html:
    """Open gates of each vector: a line for each matrix and side, a column for each layer."""
    layout, layers = snapshot.layout, _layers_with_gates(snapshot)
    counts = open_counts(layout, snapshot.closed)
    rows: dict[tuple[str, str], dict[int, int]] = {}
    sizes: dict[tuple[str, str], int] = {}
    for vector, count in zip(layout.vectors, counts, strict=True):
        place = (vector.kind, vector.side)
        rows.setdefault(place, {})[vector.layer] = int(count)
        sizes[place] = max(vector.size, sizes.get(place, 0))
    return table(
        ["matrix", "of", *map(layer_name, layers)],
        [
            [
                f"{kind_name(kind, layout.is_decoder)}, {SIDE_NAMES[side]}",
                f"{sizes[kind, side]:,}",
                *(f"{row[layer]:,}" if layer in row else "" for layer in layers),
            ]
            for (kind, side), row in rows.items()
        ],
    )


SHADES = [[0.0, "rgba(43,127,192,0.06)"], [0.5, "rgba(43,127,192,0.5)"], [1.0, "#1c5f96"]]
"""From nearly the page's own colour to a dark blue: it reads on light and dark pages."""


def _bar(percent: str) -> dict[str, Any]:
    return {"thickness": 10, "outlinewidth": 0, "tickformat": percent}


def _layers_with_gates(snapshot: Snapshot) -> list[int]:
    """`ALL_LAYERS` comes first, if the whole model has gates of its own."""
    return sorted({vector.layer for vector in snapshot.layout.vectors})


def _histogram_rows(run: Run) -> dict[int, dict[str, list[int]]]:
    """Step -> counts; where steps fall back, a resumed run does them again."""
    kept: dict[int, dict[str, list[int]]] = {}
    for row in run.histograms_reader().read_new():
        step, counts = row.get("step"), row.get("counts")
        if not (isinstance(step, int) and isinstance(counts, dict) and counts):
            continue
        kept = {known: value for known, value in kept.items() if known < step}
        kept[step] = counts
    return kept


def _closed_of_layers(counts: dict[str, list[int]]) -> dict[int, float]:
    closed: dict[int, list[int]] = {}
    for name, bins in counts.items():
        total = closed.setdefault(layer_number(name.split(".")[0]), [0, 0])
        total[0] += bins[0]
        total[1] += sum(bins)
    return {layer: part / whole for layer, (part, whole) in closed.items() if whole}
