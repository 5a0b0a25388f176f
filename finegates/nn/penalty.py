"""From the probability of being open to one number that pushes gates towards the target.

`abs` and `hinge` are the paper's kind: a target for the mean open probability of each gate vector
(arXiv 2412.12951 eq. 6 and the authors' code). `budget` is one target for the weights removed over
the whole model, held by a Lagrangian as in CoFi (arXiv 2204.00408), here an augmented one.
"""

import torch
from torch import Tensor, nn

from finegates.gates.layout import SIDES, GateLayout
from finegates.gates.units import MATRICES

CURVATURE = 50.0
ASCENT_RATE = 0.5
"""Both chosen on SST-2 by how near the expected removal stays to a rising target: docs/LOG.md."""


class _PerVector(nn.Module):
    """Means over the gates of each vector.

    Attributes:
        weights: Of each gate in its vector's mean, shape ``(num_gates,)``; their mean within a
            vector is 1.
    """

    index: Tensor
    sizes: Tensor
    weights: Tensor

    def __init__(self, layout: GateLayout) -> None:
        super().__init__()
        index = torch.from_numpy(layout.vector_index)
        sizes = torch.from_numpy(layout.sizes).float()
        self.register_buffer("weights", torch.ones(layout.num_gates), persistent=False)
        self.register_buffer("index", index, persistent=False)
        self.register_buffer("sizes", sizes, persistent=False)

    def open_fraction(self, probability_open: Tensor) -> Tensor:
        """Mean open probability of each vector: ``(num_gates,)`` -> ``(num_vectors,)``."""
        sums = torch.zeros_like(self.sizes).index_add(
            0, self.index, self.weights * probability_open
        )
        return sums / self.sizes


class AbsPenalty(_PerVector):
    """Mean over vectors of ``|mean P(open) - (1 - s)|``."""

    def forward(self, probability_open: Tensor, target: float) -> Tensor:
        """``(num_gates,)`` -> ``()``."""
        return (self.open_fraction(probability_open) - (1 - target)).abs().mean()


class HingePenalty(_PerVector):
    """Mean over vectors of ``max(mean P(open), 1 - s)``: no push once a vector is closed enough."""

    def forward(self, probability_open: Tensor, target: float) -> Tensor:
        """``(num_gates,)`` -> ``()``."""
        return self.open_fraction(probability_open).clamp(min=1 - target).mean()


class ExpectedRemoval(nn.Module):
    """Expected removed fraction of the gated weights of the whole model.

    A matrix keeps the product of its expected open inputs and outputs. Gates are independent, so a
    row is open with the product of its gates' probabilities.

    Attributes:
        weights: Of each row and column in its side's mean, shape ``(num_dimensions,)``.
    """

    share: Tensor
    weights: Tensor
    gates: Tensor
    index: Tensor
    sizes: Tensor
    in_index: Tensor
    out_index: Tensor

    def __init__(self, layout: GateLayout) -> None:
        super().__init__()
        shares = torch.tensor([m.num_weights for m in layout.matrices], dtype=torch.float32)
        sizes = torch.tensor([side.size for side in layout.sides])
        self._shared = layout.units != (MATRICES,)
        held = {
            "share": shares / shares.sum(),
            "weights": torch.ones(layout.num_dimensions),
            "gates": torch.from_numpy(layout.gates_of_dimensions),
            "index": torch.arange(len(sizes)).repeat_interleave(sizes),
            "sizes": sizes.float(),
        } | {
            f"{side}_index": torch.from_numpy(layout.side_index[side]) % (len(sizes) + 1)
            for side in SIDES
        }
        for name, tensor in held.items():
            self.register_buffer(name, tensor, persistent=False)

    def forward(self, probability_open: Tensor) -> Tensor:
        """``(num_gates,)`` -> ``()`` in [0, 1]."""
        is_open = probability_open
        if self._shared:
            is_open = torch.cat([is_open, is_open.new_ones(1)])[self.gates].prod(0)
        sums = torch.zeros_like(self.sizes).index_add(0, self.index, self.weights * is_open)
        fractions = torch.cat([sums / self.sizes, sums.new_ones(1)])  # last: a side without gates
        kept = fractions[self.in_index] * fractions[self.out_index]
        return 1 - (self.share * kept).sum()


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

    def __init__(self, layout: GateLayout) -> None:
        super().__init__()
        self.expected_removal = ExpectedRemoval(layout)
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
        if isinstance(module, _PerVector | ExpectedRemoval):
            module.weights = weights


PENALTIES: dict[str, type[nn.Module]] = {
    "budget": BudgetPenalty,
    "abs": AbsPenalty,
    "hinge": HingePenalty,
}
