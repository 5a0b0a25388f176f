"""A finished run whose gates are closed at any cut: the smaller model, its counts and its judge."""

from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel

from finegates.adapters import merge_adapters
from finegates.gates.cuts import Cut, curve_cuts, gates_to_prune
from finegates.gates.laws import GaussianLaw
from finegates.gates.removal import removal
from finegates.nn.attach import GATES_NAME, attach_gates, gates_of
from finegates.nn.gates import Gates
from finegates.nn.magnitude import order_by_magnitude
from finegates.runs.folder import Run
from finegates.runs.label_errors import ERRORS
from finegates.runs.measurements import own_scores
from finegates.shrinking.cost import REFERENCE_LENGTH, mac_ratio, num_parameters
from finegates.shrinking.models import Shrunk
from finegates.shrinking.shrink import Shrinker
from finegates.training.restore import restore_model, restore_splits
from finegates.training.scoring import Judge

Point = dict[str, Any]


class Cutter:
    """Closes a finished run's gates at any cut; what the cuts have in common is done once.

    A run without gates is ordered by the size of its rows and columns, which is pruning by
    magnitude without recovery.

    Args:
        run: A finished run.
        device: What the smaller models are scored on and laid out for, as torch names it.

    Attributes:
        judge: Scores any model on the run's validation rows.

    Raises:
        RunError: If the run is not finished, or its weights are gone or damaged.
        DataError: If its data has changed, or can't be read.
    """

    def __init__(self, run: Run, device: str) -> None:
        model, tokenizer = restore_model(run)
        self.judge = Judge(run.spec, restore_splits(run), tokenizer, model, device)
        gates = gates_of(model) if hasattr(model, GATES_NAME) else _by_magnitude(model)
        self._layout, self._law = gates.layout, gates.law
        self._means, self._was_closed = gates.means_array(), gates.closed_array()
        self._shrinker = Shrinker(model, torch.device(device).type)
        self._own = own_scores(run)

    def curve(self) -> list[Cut]:
        """Cuts for a whole curve, as `finegates.gates.cuts.curve_cuts` spreads them."""
        return curve_cuts(self._layout, self._law, self._means)

    def closed(self, cut: Cut) -> np.ndarray:
        """Which gates it closes: boolean, shape ``(num_gates,)``."""
        return gates_to_prune(self._layout, self._law, self._means, cut)

    def smaller(self, closed: np.ndarray) -> Shrunk:
        """The model without these gates."""
        return self._shrinker.at(closed)

    def own(self, closed: np.ndarray) -> Point:
        """``score`` and ``metrics`` that the run itself had with just these gates closed, if any.

        Those of an older regression, which lack the errors, are none.
        """
        if not self._own or not (closed == self._was_closed).all():
            return {}
        says_all = {*ERRORS} <= self._own["metrics"].keys()
        return self._own if says_all or self.judge.splits.problem != "regression" else {}

    def counts(self, closed: np.ndarray) -> Point:
        """What these gates remove, and how many that the run had closed are open again."""
        counts = asdict(removal(self._layout, closed))
        del counts["removed_weights"]
        return {**counts, "reopened_gates": int((self._was_closed & ~closed).sum())}


def costs_of(shrunk: Shrunk) -> Point:
    """``params`` of a smaller model, and its ``mac_ratio`` at `REFERENCE_LENGTH` tokens."""
    return {"params": num_parameters(shrunk), "mac_ratio": mac_ratio(shrunk, REFERENCE_LENGTH)}


def _by_magnitude(model: PreTrainedModel) -> Gates:
    merge_adapters(model)
    gates = attach_gates(model, GaussianLaw())
    order_by_magnitude(model, gates)
    return gates
