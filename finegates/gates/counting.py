"""What a budget counts: gated weights, parameters, multiply-accumulates, or time.

Each is ``fixed + stream * hidden + head * hidden**2 + sum over matrices of (matrix * in * out +
rows * out)``: ``in`` and ``out`` are the fractions of a matrix's columns and rows that are open,
``hidden`` is that of the residual stream's dimensions, and all shares add up to 1. So one code
holds training on any of them and rounds to it.
"""

from dataclasses import dataclass

import numpy as np

from finegates.gates.layout import GateLayout
from finegates.gates.stream import WRITES

WEIGHTS, PARAMETERS, PRODUCTS, TIME = "weights", "parameters", "products", "time"
COUNTS = (WEIGHTS, PARAMETERS, PRODUCTS, TIME)
COUNT_WORDS = {
    WEIGHTS: "of the gated weights",
    PARAMETERS: "of the model's parameters",
    PRODUCTS: "of the multiply-accumulates",
    TIME: "of the time",
}
_SCORES = {"q": 0.5, "k": 0.5, "v": 1.0}
"""Products with a key for each row: a query and a key share theirs, a value has its own; keys and
values have theirs for each head that they serve."""
_SERVING = ("k", "v")


@dataclass(frozen=True)
class Counting:
    """Shares of the dense model, as the module says.

    Attributes:
        counts: One of `COUNTS`.
        matrices: Shape ``(num_matrices,)``.
        rows: The same; what goes with a row alone: its bias, its products with keys.
        stream: What goes with the dimensions of the residual stream besides the gated matrices, as
            embeddings and norms do; nothing where no gates stand for them.
        fixed: What no gate closes.
        head: What goes with these dimensions twice: a head's matrix from them to as many units.
    """

    counts: str
    matrices: np.ndarray
    rows: np.ndarray
    stream: float = 0.0
    fixed: float = 0.0
    head: float = 0.0

    def kept(self, inputs: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        """What each matrix keeps, of open fractions ``(num_matrices,)``."""
        return (self.matrices * inputs + self.rows) * outputs


@dataclass(frozen=True)
class LayerTimes:
    """Where a dense model's time goes, in seconds for one pass, measured on one machine.

    Attributes:
        attention: Of one layer's attention.
        feed_forward: Of one layer's feed-forward sublayer.
        rest: Of one layer without both: norms, additions.
        outside: Of embeddings, pooler and head.
        num_layers: Layers.
        device: Where, as torch names it.
        batch_size: Rows of the pass.
        length: Tokens of a row.
    """

    attention: float
    feed_forward: float
    rest: float
    outside: float
    num_layers: int
    device: str
    batch_size: int
    length: int

    @property
    def total(self) -> float:
        """Of the whole pass."""
        return self.outside + self.num_layers * (self.attention + self.feed_forward + self.rest)


def weights_counted(layout: GateLayout) -> Counting:
    """The weights of all gated matrices: the papers' count, and the default."""
    return _of_all(WEIGHTS, layout, _weights(layout), np.zeros(len(layout.matrices)))


def parameters_counted(
    layout: GateLayout, total: int, of_stream: int = 0, of_head: int = 0
) -> Counting:
    """All numbers of the model, embeddings and head too.

    Args:
        layout: Where each gate is. An encoder's matrices have biases; the few of some decoders
            count as what no gate closes.
        total: Parameters of the dense model.
        of_stream: Those of them that go with the dimensions of the residual stream, the gated
            matrices' own included.
        of_head: Those of a head's matrix from these dimensions to as many units; none of the above.
    """
    biased = not layout.is_decoder
    biases = np.array([float(m.out_features * biased) for m in layout.matrices])
    written = sum(m.out_features for m in layout.matrices if (m.role, "out") in WRITES)
    own = layout.num_gated_weights + written
    more = max(of_stream - own, 0), of_head
    return _of_all(PARAMETERS, layout, _weights(layout), biases, total, *more)


def products_counted(layout: GateLayout, length: int, total: float | None = None) -> Counting:
    """Multiply-accumulates of all layers for a row of this many tokens, attention included.

    Args:
        layout: Where each gate is.
        length: Tokens.
        total: Those of the dense model for one token of such a row; if None, all matrices of its
            layers have gates.
    """
    served = layout.num_heads // layout.num_key_value_heads
    scores = [
        length * _SCORES.get(m.role, 0.0) * (served if m.role in _SERVING else 1) * m.out_features
        for m in layout.matrices
    ]
    return _of_all(PRODUCTS, layout, _weights(layout), np.array(scores), total)


def time_counted(layout: GateLayout, times: LayerTimes) -> Counting:
    """The time of a pass: of each sublayer what its open rows and columns have of its products.

    Whole heads and neurons take that much (docs/shrinking.md); where single columns are read by an
    index, copies take more. What is left of a layer, embeddings and head go with the dimensions of
    the residual stream.
    """
    products = products_counted(layout, times.length)
    attention = np.array([m.role in ("q", "k", "v", "o") for m in layout.matrices])
    all_of_it = products.matrices + products.rows
    shares = np.zeros(len(layout.matrices))
    for chosen, seconds in ((attention, times.attention), (~attention, times.feed_forward)):
        if chosen.any():
            shares[chosen] = seconds * times.num_layers / all_of_it[chosen].sum()
    with_stream = times.outside + times.num_layers * times.rest
    matrices, rows = shares * products.matrices, shares * products.rows
    return _of_all(TIME, layout, matrices, rows, times.total, with_stream)


def _weights(layout: GateLayout) -> np.ndarray:
    return np.array([float(m.num_weights) for m in layout.matrices])


def _of_all(
    counts: str,
    layout: GateLayout,
    matrices: np.ndarray,
    rows: np.ndarray,
    total: float | None = None,
    of_stream: float = 0.0,
    of_head: float = 0.0,
) -> Counting:
    gated = float(matrices.sum() + rows.sum())
    total = gated if total is None else total
    stream, head = (part / total if layout.hidden else 0.0 for part in (of_stream, of_head))
    fixed = max(1 - gated / total - stream - head, 0.0)
    return Counting(counts, matrices / total, rows / total, stream, fixed, head)
