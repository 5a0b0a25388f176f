"""From the probability of being open to one number that pushes gates towards the target.

`abs` and `hinge` are the paper's kind: a target for the mean open probability of each gate vector
(arXiv 2412.12951 eq. 6 and the authors' code). `budget` is one target for the weights removed over
the whole model, held by a Lagrangian as in CoFi (arXiv 2204.00408), here an augmented one.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from finegates.gates.counting import Counting, weights_counted
from finegates.gates.layout import SIDES, GateLayout
from finegates.nn.gates import products
from finegates.spec import BUDGET

CURVATURE = 50.0
ASCENT_RATE = 0.5
"""Both chosen on SST-2 by how near the expected removal stays to a rising target: docs/LOG.md."""


class _Means(nn.Module):
    """Means over parts of a flat vector.

    Attributes:
        weights: Of each number in its part's mean, shape ``(sum of sizes,)``; their mean within a
            part is 1.
    """

    index: Tensor
    sizes: Tensor
    weights: Tensor

    def __init__(self, sizes: Sequence[int] | np.ndarray) -> None:
        super().__init__()
        counts = torch.as_tensor(sizes)
        self.register_buffer("weights", torch.ones(int(counts.sum())), persistent=False)
        index = torch.arange(len(counts)).repeat_interleave(counts)
        self.register_buffer("index", index, persistent=False)
        self.register_buffer("sizes", counts.float(), persistent=False)

    def means(self, values: Tensor) -> Tensor:
        """``(sum of sizes,)`` -> ``(number of parts,)``."""
        sums = torch.zeros_like(self.sizes).index_add(0, self.index, self.weights * values)
        return sums / self.sizes

    def weigh(self, weights: Tensor) -> None:
        """Takes weights of the gates, shape ``(num_gates,)``, with a mean of 1 in each vector."""
        self.weights = weights


class AbsPenalty(_Means):
    """Mean over vectors of ``|mean P(open) - (1 - s)|``."""

    def __init__(self, layout: GateLayout) -> None:
        super().__init__(layout.sizes)

    def forward(self, probability_open: Tensor, target: float) -> Tensor:
        """``(num_gates,)`` -> ``()``."""
        return (self.means(probability_open) - (1 - target)).abs().mean()


class HingePenalty(_Means):
    """Mean over vectors of ``max(mean P(open), 1 - s)``: no push once a vector is closed enough."""

    def __init__(self, layout: GateLayout) -> None:
        super().__init__(layout.sizes)

    def forward(self, probability_open: Tensor, target: float) -> Tensor:
        """``(num_gates,)`` -> ``()``."""
        return self.means(probability_open).clamp(min=1 - target).mean()


class ExpectedRemoval(_Means):
    """Expected removed fraction of the gated weights of the whole model, or of what is counted.

    A matrix keeps the product of its expected open inputs and outputs, which are means over its
    sides. Gates are independent, so a row is open with the product of its gates' probabilities.
    """

    matrices: Tensor
    rows: Tensor
    gates: Tensor | None
    in_index: Tensor
    out_index: Tensor

    def __init__(self, layout: GateLayout, counting: Counting | None = None) -> None:
        super().__init__([side.size for side in layout.sides])
        counting = counting or weights_counted(layout)
        gates = torch.from_numpy(layout.gates_of_dimensions) if layout.is_shared else None
        for name in ("matrices", "rows"):
            shares = torch.from_numpy(getattr(counting, name)).float()
            self.register_buffer(name, shares, persistent=False)
        self.most = 1 - counting.fixed
        self.stream, self.head = counting.stream, counting.head
        self.hidden = layout.hidden.slice if layout.hidden else slice(0)
        self.register_buffer("gates", gates, persistent=False)
        for side in SIDES:
            index = torch.from_numpy(layout.side_index[side]) % (len(layout.sides) + 1)
            self.register_buffer(f"{side}_index", index, persistent=False)

    def forward(self, probability_open: Tensor) -> Tensor:
        """``(num_gates,)`` -> ``()`` in [0, 1]."""
        hidden = probability_open[self.hidden].mean() if self.stream else 0.0
        if self.gates is not None:
            probability_open = products(probability_open, self.gates)
        fractions = self.means(probability_open)
        fractions = torch.cat([fractions, fractions.new_ones(1)])  # the last: a side without gates
        inputs, outputs = fractions[self.in_index], fractions[self.out_index]
        kept = ((self.matrices * inputs + self.rows) * outputs).sum()
        return self.most - (self.stream + self.head * hidden) * hidden - kept

    def weigh(self, weights: Tensor) -> None:
        """As of every penalty; a row or column has its gates', and their mean in a side is 1."""
        if self.gates is None:
            self.weights = weights
            return
        of_rows = products(weights, self.gates)
        self.weights = torch.ones_like(of_rows)
        self.weights = of_rows / self.means(of_rows)[self.index]


class BudgetPenalty(nn.Module):
    """Augmented Lagrangian ``l (e - t) + c / 2 (e - t)^2``; `climb` raises ``l`` once a step.

    The quadratic term alone stops short of the target, the multiplier alone swings around it
    (docs/LOG.md, 2026-11-21).

    Attributes:
        multiplier: ``l``, shape ``()``; rises by `ASCENT_RATE` times the gap in each step, before
            it is used.
        raised: What it rises to in this step; None before `forward`.
    """

    multiplier: Tensor

    def __init__(self, layout: GateLayout, counting: Counting | None = None) -> None:
        super().__init__()
        self.expected_removal = ExpectedRemoval(layout, counting)
        self.register_buffer("multiplier", torch.zeros(()))
        self.raised: Tensor | None = None

    def forward(self, probability_open: Tensor, target: float) -> Tensor:
        """``(num_gates,)`` -> ``()``; the same however often it is called in one step."""
        gap = self.expected_removal(probability_open) - target
        self.raised = self.multiplier + ASCENT_RATE * gap.detach()
        return self.raised * gap + CURVATURE / 2 * gap.square()

    def climb(self) -> None:
        """Ends a step: its raised multiplier is the next step's to raise."""
        if self.raised is not None:
            self.multiplier, self.raised = self.raised, None


def weigh_gates(penalty: nn.Module, weights: Tensor) -> None:
    """Gives every mean in a penalty these weights of the gates, shape ``(num_gates,)``."""
    for module in penalty.modules():
        if isinstance(module, _Means):
            module.weigh(weights)


PENALTIES: dict[str, type[nn.Module]] = {
    BUDGET: BudgetPenalty,
    "abs": AbsPenalty,
    "hinge": HingePenalty,
}


def make_penalty(name: str, layout: GateLayout, counting: Counting | None = None) -> nn.Module:
    """A penalty by its name; a budget's is of what is counted, the others count gates."""
    return BudgetPenalty(layout, counting) if name == BUDGET else PENALTIES[name](layout)
