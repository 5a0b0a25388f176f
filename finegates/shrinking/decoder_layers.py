"""The modules of a shrunk decoder: grouped attention with a cache, and a gated feed-forward."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, scaled_dot_product_attention
from transformers import Cache

from finegates.shrinking.hardware import padded
from finegates.shrinking.layers import Constant, GatheredLinear, ScatteredLinear
from finegates.shrinking.plan import FeedForwardPlan, GroupedAttentionPlan

_LIKED_WIDTH = 8
"""Fused attention on a CPU takes four times as long where keys and values are of unequal widths,
and an eighth more where these are no multiple of 8: zeros are added, for the call alone."""
PositionEmbeddings = tuple[Tensor, Tensor]
"""Cosines and sines, each of shape ``(batch or 1, length, head width)``, both halves alike."""


class ShrunkGroupedAttention(nn.Module):
    """A decoder's attention whose heads have unequal shapes; one call for all of a class.

    Keys are cached rotated, and only what is kept of them: ``(batch, groups, length, width)`` where
    there is one class, else all classes side by side in one flat head. Angles are read where the
    pairs were, so every kind of rotary embedding stays exact.

    Args:
        plan: Classes and products.
        dense: The attention that it stands for, whose scale, dropout, norms and rotation it has.
        hidden_size: Width of the residual stream.
    """

    def __init__(self, plan: GroupedAttentionPlan, dense: Any, hidden_size: int) -> None:
        super().__init__()
        self.classes, self.widths = plan.classes, plan.widths
        self.widths_of_classes = [[one.widths[role] for one in plan.classes] for role in range(3)]
        self.layer_idx: int = dense.layer_idx
        self.scaling: float = dense.scaling
        self.dropout: float = dense.attention_dropout
        self.is_causal: bool = dense.is_causal
        self.rotates: bool = bool(getattr(dense, "use_rope", True))
        self.q_norm: nn.Module | None = getattr(dense, "q_norm", None)
        self.k_norm: nn.Module | None = getattr(dense, "k_norm", None)
        self.projections = nn.ModuleList(GatheredLinear(p, hidden_size) for p in plan.projections)
        for number, one in enumerate(plan.classes):
            index = torch.zeros(one.groups, one.pairs, dtype=torch.long) if one.selects else None
            self.register_buffer(f"pairs_{number}", index)
        self.o_proj = ScatteredLinear(plan.output, hidden_size)

    def forward(
        self,
        hidden_states: Tensor,
        position_embeddings: PositionEmbeddings,
        attention_mask: Tensor | None = None,
        past_key_values: Cache | None = None,
        **kwargs: object,
    ) -> tuple[Tensor, None]:
        """``(batch, length, hidden_size)`` -> the same shape.

        The mask is boolean or added to the scores, and broadcasts to
        ``(batch, heads, length, keys)``; without one, a token sees those before it.
        """
        batch, length = hidden_states.shape[:2]
        all_queries, all_keys, all_values = self._projected(hidden_states)
        queries, keys, values = [], [], []
        for number, one in enumerate(self.classes):
            turn = self._angles(number, position_embeddings)
            q, k, v = (
                part.view(batch, length, one.groups, -1, width)
                for part, width in zip(
                    (all_queries[number], all_keys[number], all_values[number]),
                    (2 * one.pairs, 2 * one.pairs, one.values),
                    strict=True,
                )
            )
            queries.append(_rotated(q if self.q_norm is None else self.q_norm(q), turn))
            keys.append(_rotated(k if self.k_norm is None else self.k_norm(k), turn)[:, :, :, 0])
            values.append(v[:, :, :, 0])
        if past_key_values is not None:
            keys, values = self._cached(keys, values, past_key_values)
        contexts = [
            self._attended(q, k.transpose(1, 2), v.transpose(1, 2), attention_mask)
            for q, k, v in zip(queries, keys, values, strict=True)
        ]
        return self.o_proj(contexts[0] if len(contexts) == 1 else torch.cat(contexts, -1)), None

    def _projected(self, x: Tensor) -> list[tuple[Tensor, ...]]:
        """Queries, keys and values, each class by class, ``(batch, length, width)``."""
        if len(self.projections) > 1:
            together = [projection(x) for projection in self.projections]
        else:
            every = sum(self.widths)
            together = list(self.projections[0](x)[..., :every].split(self.widths, -1))
        return [
            of_all[..., : sum(widths)].split(widths, -1)
            for of_all, widths in zip(together, self.widths_of_classes, strict=True)
        ]

    def _angles(self, number: int, embeddings: PositionEmbeddings) -> PositionEmbeddings | None:
        """Of a class's pairs, each ``(batch or 1, length, groups or 1, 1, pairs)``."""
        if not self.rotates:
            return None
        pairs: Tensor | None = getattr(self, f"pairs_{number}")
        if pairs is None:
            half = embeddings[0].shape[-1] // 2
            cos, sin = (t[:, :, None, None, :half] for t in embeddings)
        else:
            cos, sin = (t[..., pairs][..., None, :] for t in embeddings)
        return cos, sin

    def _cached(
        self, keys: list[Tensor], values: list[Tensor], cache: Cache
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Adds keys and values of these tokens, and returns those of all: as they are given.

        Each is ``(batch, length, groups, width)``, one for each class.
        """
        if len(keys) == 1:
            new_keys, new_values = (t.transpose(1, 2) for t in (keys[0], values[0]))
            all_keys, all_values = cache.update(new_keys, new_values, self.layer_idx)
            return [all_keys.transpose(1, 2)], [all_values.transpose(1, 2)]
        new_keys, new_values = (_side_by_side(of_all) for of_all in (keys, values))
        all_keys, all_values = cache.update(new_keys, new_values, self.layer_idx)
        _, of_keys, of_values = self.widths_of_classes
        return self._apart(all_keys, of_keys), self._apart(all_values, of_values)

    def _apart(self, flat: Tensor, widths: list[int]) -> list[Tensor]:
        """The inverse of `_side_by_side`, for as many tokens as there are by now."""
        parts = flat[:, 0].split(widths, -1)
        return [
            part.unflatten(-1, (one.groups, -1))
            for part, one in zip(parts, self.classes, strict=True)
        ]

    def _attended(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
        """What heads of one class see, ``(batch, length, groups * heads * values)``.

        Args:
            q: Shape ``(batch, length, groups, heads, width)``.
            k: Shape ``(batch, groups, keys, width)``.
            v: Shape ``(batch, groups, keys, values)``.
            mask: As of `forward`.
        """
        batch, length, _, heads, width = q.shape
        values = v.shape[-1]
        chance = self.dropout if self.training else 0.0
        if length == 1:  # all heads of a group read its keys as if they were its tokens
            context = scaled_dot_product_attention(q[:, 0], k, v, mask, chance, scale=self.scaling)
            return context.reshape(batch, 1, -1)
        wide = padded(max(width, values), _LIKED_WIDTH)
        q = pad(q.flatten(2, 3).transpose(1, 2), (0, wide - width))
        k, v = (pad(t, (0, wide - t.shape[-1])).repeat_interleave(heads, 1) for t in (k, v))
        causal = self.is_causal and mask is None
        context = scaled_dot_product_attention(
            q, k, v, mask, chance, is_causal=causal, scale=self.scaling
        )
        return context[..., :values].transpose(1, 2).flatten(2)


class NoAttention(nn.Module):
    """What is left of attention without heads: a constant, and how long the text is.

    The first layer's cache is asked for that length, so something is kept of each token.

    Args:
        dense: The attention that it stands for.
        hidden_size: Width of the residual stream.
    """

    def __init__(self, dense: Any, hidden_size: int) -> None:
        super().__init__()
        self.layer_idx: int = dense.layer_idx
        self.o_proj = Constant(hidden_size)

    def forward(
        self, hidden_states: Tensor, past_key_values: Cache | None = None, **kwargs: object
    ) -> tuple[Tensor, None]:
        """``(batch, length, hidden_size)`` -> the same shape."""
        if past_key_values is not None:
            least = hidden_states[:, None, :, :1]
            past_key_values.update(least, least, self.layer_idx)
        return self.o_proj(hidden_states), None


class ShrunkGatedFeedForward(nn.Module):
    """``outer(act(gate x) * (up x))`` of the neurons that are left.

    Args:
        plan: Its two products; gate and up are one.
        activation: What a neuron computes of its gate.
        hidden_size: Width of the residual stream.
    """

    def __init__(
        self, plan: FeedForwardPlan, activation: Callable[[Tensor], Tensor], hidden_size: int
    ) -> None:
        super().__init__()
        self.inner = GatheredLinear(plan.inner, hidden_size)
        self.outer = ScatteredLinear(plan.outer, hidden_size)
        self.act_fn = activation

    def forward(self, x: Tensor) -> Tensor:
        """``(..., hidden_size)`` -> the same shape."""
        gate, up = self.inner(x).chunk(2, -1)
        return self.outer(self.act_fn(gate) * up)


def _side_by_side(of_classes: list[Tensor]) -> Tensor:
    """One flat head, ``(batch, 1, length, sum of widths)``."""
    return torch.cat([t.flatten(2) for t in of_classes], -1)[:, None]


def _rotated(x: Tensor, angles: PositionEmbeddings | None) -> Tensor:
    """Turns each pair: ``(batch, length, groups, heads, 2 * pairs)``, first dimensions first."""
    if angles is None:
        return x
    cos, sin = angles
    first, second = x.chunk(2, -1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], -1)
