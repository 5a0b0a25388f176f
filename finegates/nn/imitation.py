"""How far hidden states are from a teacher's."""

from collections.abc import Sequence

import torch
from torch import Tensor


def hidden_loss(
    student: Sequence[Tensor], teacher: Sequence[Tensor], mask: Tensor | None
) -> Tensor:
    """Mean squared difference of hidden states, over layers, tokens and dimensions.

    Args:
        student: After the embeddings and each layer, each of shape ``(rows, tokens, width)``.
        teacher: The same of the teacher.
        mask: True for tokens that are no padding, shape ``(rows, 1, 1, tokens)`` or
            ``(rows, tokens)``; None for all.

    Returns:
        A scalar. What the embeddings give is left out: no gate stands before it.
    """
    differences = [
        (ours.float() - theirs.float()).square().mean(-1)
        for ours, theirs in zip(student[1:], teacher[1:], strict=True)
    ]
    return over_tokens(torch.stack(differences).mean(0), mask)


def over_tokens(values: Tensor, mask: Tensor | None) -> Tensor:
    """The mean over tokens that are no padding, ``(rows, tokens)`` -> ``()``."""
    return values.mean() if mask is None else values[mask.reshape(values.shape).bool()].mean()
