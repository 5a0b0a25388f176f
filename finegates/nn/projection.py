"""Gates that are never off their budget: in every pass the lowest are closed, whatever they learn.

GRASPrune (arXiv 2604.19398; github.com/ZiY-Wang/GRASPrune, commit 666f4f0): of scores ``a`` with
``p = sigmoid(a / 1.5)`` the lowest are closed that together meet the budget, a hard mask ``m``; a
gate is ``m + p - sg(p)``, so that the loss moves closed ones too. No noise, no penalty. The choice
takes 7 ms of a CPU core for the 37,008 heads and neurons of a RoBERTa-base.
"""

import numpy as np
import torch
from torch import Tensor

from finegates.gates.counting import Counting
from finegates.gates.laws import ProjectedLaw
from finegates.gates.layout import GateLayout
from finegates.gates.removal import gates_to_close
from finegates.nn.gates import Gates

TIES = 1e-3
"""Between the first and the last start (ours): all of GRASPrune's begin at 0."""
_MARGIN = 1e-3
"""How far from the closing point a mean is at least, in units of the parameter; float16, in which
gates are kept, tells it."""


class Projection:
    """Which gates are closed for a budget, at any parameters.

    Args:
        layout: Where each gate is.
        law: Its gates'.
        remove: Fraction that is removed, in [0, 1).
        counting: Of what; of the gated weights if None.
    """

    def __init__(
        self,
        layout: GateLayout,
        law: ProjectedLaw,
        remove: float,
        counting: Counting | None = None,
    ) -> None:
        self.layout, self.law, self.remove, self.counting = layout, law, remove, counting
        self._last: tuple[np.ndarray, np.ndarray] | None = None

    def closed(self, parameter: Tensor) -> Tensor:
        """Boolean, shape ``(num_gates,)`` both ways: the choice that rounding to a budget makes."""
        host = parameter.detach().float().cpu().numpy()
        if self._last is None or not np.array_equal(self._last[0], host):
            chosen = gates_to_close(self.layout, host, self.remove, self.counting)
            self._last = host.copy(), chosen
        return torch.from_numpy(self._last[1]).to(parameter.device)

    def values(self, parameter: Tensor) -> Tensor:
        """Exactly 0 or 1, with the gradient of ``p``: ``(num_gates,)`` both ways."""
        return self.law.through(~self.closed(parameter), parameter)

    def means(self, parameter: Tensor) -> Tensor:
        """Parameters shifted so that just the closed ones are at most the law's closing mean."""
        closed, edge = self.closed(parameter), self.law.closing_mean
        if not closed.any():
            return parameter.clamp(min=edge + _MARGIN)
        shifted = parameter - parameter[closed].max() + edge
        return torch.where(closed, shifted - _MARGIN, shifted.clamp(min=edge + _MARGIN))


@torch.no_grad()
def project(
    gates: Gates, remove: float, counting: Counting | None, importance: Tensor | None = None
) -> None:
    """Holds gates at a budget from now on, in training and in evaluation, until they are settled.

    Args:
        gates: Under the law ``projected``.
        remove: Fraction that is removed, in [0, 1).
        counting: Of what; of the gated weights if None.
        importance: Of each gate, ``(num_gates,)``: what closes first while nothing is learned; the
            parameters stay as they are if None.
    """
    if importance is not None:
        ranks = importance.argsort(stable=True).argsort(stable=True)
        gates.parameter.copy_(TIES * (ranks / max(len(ranks) - 1, 1) - 0.5))
    assert isinstance(gates.law, ProjectedLaw)
    gates.projection = Projection(gates.layout, gates.law, remove, counting)
