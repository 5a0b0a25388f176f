"""What gates remove: gates closed, weights removed, and the gates to close for a budget.

Target, gates closed and weights removed are three numbers. For closed fractions a (inputs) and b
(outputs) a matrix loses ``1 - (1 - a)(1 - b)`` of its weights.
"""

from dataclasses import dataclass

import numpy as np

from finegates.errors import SpecError
from finegates.gates.counting import COUNT_WORDS, Counting
from finegates.gates.layout import GateLayout, GateVector

HISTOGRAM_BINS = 20
HISTOGRAM_EDGES = np.linspace(0.0, 1.0, HISTOGRAM_BINS + 1)


@dataclass(frozen=True)
class Removal:
    """What closed gates amount to.

    Attributes:
        closed_gates: Number of closed gates.
        closed_gates_fraction: The same over all gates, in [0, 1].
        removed_weights: Weights in closed rows and columns of the gated matrices.
        removed_weights_fraction: The same over all weights of gated matrices, in [0, 1].
    """

    closed_gates: int
    closed_gates_fraction: float
    removed_weights: int
    removed_weights_fraction: float


def open_counts(layout: GateLayout, closed: np.ndarray) -> np.ndarray:
    """Open gates of each vector.

    Args:
        layout: Where each gate is.
        closed: Boolean, shape ``(num_gates,)``.

    Returns:
        Integers, shape ``(num_vectors,)``.
    """
    return layout.sizes - np.bincount(layout.vector_index[closed], minlength=len(layout.vectors))


def removal(layout: GateLayout, closed: np.ndarray) -> Removal:
    """Counts what is removed when these gates are closed (boolean, shape ``(num_gates,)``)."""
    kept = _weights_kept(layout, closed).sum()
    total, num_closed = layout.num_gated_weights, int(closed.sum())
    return Removal(
        closed_gates=num_closed,
        closed_gates_fraction=num_closed / layout.num_gates,
        removed_weights=int(total - kept),
        removed_weights_fraction=float(1 - kept / total),
    )


def removed_by_matrix(layout: GateLayout, closed: np.ndarray) -> np.ndarray:
    """Removed fraction of each matrix's weights, shape ``(num_matrices,)``."""
    weights = np.array([m.num_weights for m in layout.matrices])
    return 1 - _weights_kept(layout, closed) / weights


@dataclass(frozen=True)
class ClosingOrder:
    """In which order gates are closed.

    Attributes:
        gates: All gates, the first to close first, shape ``(num_gates,)``.
        ends: After how many gates each step ends, from 0: shape ``(num_steps + 1,)``.
    """

    gates: np.ndarray
    ends: np.ndarray


def closing_order(layout: GateLayout, means: np.ndarray) -> ClosingOrder:
    """Gates by their means, or in bundles by the mean of each bundle.

    In a layout of multiples a bundle is so many gates of one width, its lowest first, so that an
    open number is a multiple whatever number of bundles is closed. In a uniform layout it is one
    such piece of the same kind in each layer, its n-th lowest: every layer keeps as many of each
    kind.
    """
    if layout.closes_singly:
        gates = np.argsort(means, kind="stable")
        return ClosingOrder(gates, np.arange(len(gates) + 1))
    found: list[np.ndarray] = []
    for kind in dict.fromkeys((v.kind, v.side) for v in layout.vectors):
        vectors = [v for v in layout.vectors if (v.kind, v.side) == kind]
        pieces = [_pieces(layout, vector, means) for vector in vectors]
        if layout.uniform:
            found.extend(np.concatenate(same) for same in zip(*pieces, strict=True))
        else:
            found.extend(piece for of_vector in pieces for piece in of_vector)
    by_mean = np.argsort([means[bundle].mean() for bundle in found], kind="stable")
    gates = np.concatenate([found[place] for place in by_mean])
    ends = np.cumsum([0, *(len(found[place]) for place in by_mean)])
    return ClosingOrder(gates, ends)


def counted_removal(layout: GateLayout, closed: np.ndarray, counting: Counting) -> float:
    """The removed fraction of what is counted, in [0, 1]; as `removal` for gated weights."""
    inputs, outputs = _open_fractions(layout, closed)
    hidden = (~closed[layout.hidden.slice]).mean() if layout.hidden else 0.0
    stream = (counting.stream + counting.head * hidden) * hidden
    return float(1 - counting.fixed - stream - counting.kept(inputs, outputs).sum())


def _pieces(layout: GateLayout, vector: GateVector, means: np.ndarray) -> list[np.ndarray]:
    """A vector's gates in pieces that close together, the first to close first.

    What is over at a multiple comes first, and is the same in every layer.
    """
    multiple = layout.multiple if layout.widths_of(vector) else 1
    pieces: list[np.ndarray] = []
    for start, end in layout.widths_of(vector) or [(0, vector.size)]:
        first = vector.start + start
        ranked = first + np.argsort(means[first : vector.start + end], kind="stable")
        over = len(ranked) % multiple
        pieces += [ranked[:over]] if over else []
        pieces += [ranked[n : n + multiple] for n in range(over, len(ranked), multiple)]
    return sorted(pieces, key=lambda piece: (len(piece) == multiple, means[piece].mean()))


def check_removable(layout: GateLayout, remove: float, counting: Counting) -> None:
    """Raises SpecError unless all gates together remove more than this fraction."""
    most = counted_removal(layout, np.ones(layout.num_gates, dtype=bool), counting)
    if remove >= most:
        of_what = COUNT_WORDS[counting.counts]
        raise SpecError(
            f"{100 * remove:g}% {of_what} are to be removed, but all gates together remove "
            f"{100 * most:.1f}%; ask for less, or let gates stand for more."
        )


def gates_to_close(
    layout: GateLayout,
    means: np.ndarray,
    removed_fraction: float,
    counting: Counting | None = None,
) -> np.ndarray:
    """The lowest gates of the whole model that together remove the asked fraction of weights.

    Closing gates one by one in the order of their means removes ever more; the number of gates
    whose removal is nearest to the budget is found by bisection. In a layout of multiples, or a
    uniform one, the steps are bundles, see `closing_order`.

    Args:
        layout: Where each gate is.
        means: Shape ``(num_gates,)``; lower is closed first.
        removed_fraction: In [0, 1].
        counting: Of what; of the weights of all gated matrices if None.

    Returns:
        Boolean, shape ``(num_gates,)``: closed or not.
    """
    order = closing_order(layout, means)

    def lowest(count: int) -> np.ndarray:
        mask = np.zeros(layout.num_gates, dtype=bool)
        mask[order.gates[: order.ends[count]]] = True
        return mask

    def removed(count: int) -> float:
        closed = lowest(count)
        if counting is not None:
            return counted_removal(layout, closed, counting)
        return removal(layout, closed).removed_weights_fraction

    low, high = 0, len(order.ends) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if removed(middle) < removed_fraction else (low, middle)
    below = max(low - 1, 0)
    nearest = min((below, low), key=lambda count: abs(removed(count) - removed_fraction))
    return lowest(nearest)


def gates_up_to(layout: GateLayout, values: np.ndarray, threshold: float) -> np.ndarray:
    """Gates of at most this value; the bundles of at most this mean value where there are bundles.

    Args:
        layout: Where each gate is.
        values: Of the gates, shape ``(num_gates,)``.
        threshold: In [0, 1].

    Returns:
        Boolean, shape ``(num_gates,)``: closed or not.
    """
    if layout.closes_singly:
        return values <= threshold
    order = closing_order(layout, values)
    sizes = np.diff(order.ends)
    of_bundles = np.add.reduceat(values[order.gates], order.ends[:-1]) / sizes
    closed = np.zeros(layout.num_gates, dtype=bool)
    closed[order.gates[np.repeat(of_bundles <= threshold, sizes)]] = True
    return closed


def histogram(values: np.ndarray) -> list[int]:
    """Counts of gate values on fixed bins: exactly 0, 20 equal bins of (0, 1), exactly 1.

    Gates crowd at both ends, which plain bins would hide in their first and last one.
    """
    inside = values[(values > 0) & (values < 1)]
    counts = np.histogram(inside, bins=HISTOGRAM_EDGES)[0]
    return [int((values <= 0).sum()), *map(int, counts), int((values >= 1).sum())]


def _weights_kept(layout: GateLayout, closed: np.ndarray) -> np.ndarray:
    """Weights of each matrix in open rows and columns, shape ``(num_matrices,)``."""
    inputs, outputs = _open(layout, closed)
    return inputs * outputs


def _open_fractions(layout: GateLayout, closed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    inputs, outputs = _open(layout, closed)
    return inputs / layout.features["in"], outputs / layout.features["out"]


def _open(layout: GateLayout, closed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Open columns and open rows of each matrix, shape ``(num_matrices,)`` each."""
    starts = [side.start for side in layout.sides]
    counts = np.add.reduceat(~layout.spread(closed), starts, dtype=np.int64)

    def of_side(side: str) -> np.ndarray:
        index = layout.side_index[side]
        return np.where(index >= 0, counts[index], layout.features[side]).astype(float)

    return of_side("in"), of_side("out")
