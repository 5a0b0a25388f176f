"""A regression's labels in units of their own spread: what is trained on, and the way back.

A head starts near 0 and moves by small steps, so it would never reach labels in the hundred
thousands, and a loss in their square would drown every penalty. The model that is kept answers in
the label's own unit: scale and shift are folded into the last Linear of its head.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor
from transformers import PreTrainedModel

from finegates.errors import DataError
from finegates.nn.model_parts import answering_linear

_LARGEST = 1e30
"""A model answers in float32, which ends at 3e38; this leaves room for its weights."""
_FINEST = 2.0**-20
"""Spread over size of the labels: float32 has 24 bits, of which 4 are left within the spread."""


@dataclass(frozen=True)
class LabelScale:
    """``label = shift + scale * what is trained on``.

    Attributes:
        shift: Mean of the training rows' labels.
        scale: The largest power of two up to their standard deviation, 1 where all are equal: so
            folding it in loses no digit, and labels that spread about 1 to 2, as 0 to 5 of STS-B,
            are trained on in their own unit.
    """

    shift: float
    scale: float

    @classmethod
    def of(cls, labels: ArrayLike, *, centred: bool = True) -> "LabelScale":
        """The scale of training labels, shape ``(rows,)``.

        Args:
            labels: The labels.
            centred: Whether their mean is taken off; a head without a bias can't put it back.

        Raises:
            DataError: If a model's float32 can't hold them, or can't tell them apart.
        """
        values = np.asarray(labels, dtype=np.float64)
        low, high = float(values.min()), float(values.max())
        if not max(abs(low), abs(high)) < _LARGEST or 0 < high - low < 1 / _LARGEST:
            raise DataError(
                f"The labels go from {low:g} to {high:g}; a model answers in float32, where sizes "
                f"from {1 / _LARGEST:g} to {_LARGEST:g} are safe. Give them in another unit."
            )
        shift, spread = float(values.mean()), float(values.std())
        if low < high and spread < abs(shift) * _FINEST:
            raise DataError(
                f"The labels lie around {shift:g} and differ by about {spread:g} only, which a "
                "model's float32 can't tell apart. Subtract a constant from them."
            )
        scale = 2.0 ** (math.frexp(spread)[1] - 1) if low < high else 1.0
        return cls(shift if centred else 0.0, scale)

    def standardised(self, labels: Any) -> Any:
        """Labels -> what is trained on; a number, array or tensor of any shape."""
        return (labels - self.shift) / self.scale

    def restored(self, answers: np.ndarray) -> np.ndarray:
        """Answers of the model in training -> in the label's unit, as float32 has them."""
        told = self.shift + self.scale * np.asarray(answers, dtype=np.float64)
        return told.astype(np.float32)

    def folded(self, model: PreTrainedModel) -> dict[str, Tensor]:
        """New weight and bias of the head's last Linear, with which the model answers in labels.

        Args:
            model: As it is trained; not changed.

        Returns:
            The two tensors under their names in the model's state.
        """
        return _mapped(model, self.scale, self.shift)

    def unfolded(self, model: PreTrainedModel) -> dict[str, Tensor]:
        """The way back from `folded`: for a model that answers in labels, as it is to be trained.

        Args:
            model: As it answers; not changed.

        Returns:
            As `folded`.
        """
        return _mapped(model, 1 / self.scale, -self.shift / self.scale)


def _mapped(model: PreTrainedModel, scale: float, shift: float) -> dict[str, Tensor]:
    """The head's last Linear with ``shift + scale *`` its answers."""
    name, linear = answering_linear(model)
    new = {"weight": scale * linear.weight.detach().double()}
    if linear.bias is not None:
        new["bias"] = shift + scale * linear.bias.detach().double()
    return {f"{name}.{part}": t.to(linear.weight.dtype) for part, t in new.items()}
