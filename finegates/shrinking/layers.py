"""The modules of a shrunk model. State: weights, and indices that say what is read and written."""

import torch
from torch import Tensor, nn

from finegates.shrinking.plan import AttentionPlan, Output, Projection


class GatheredLinear(nn.Module):
    """``y = W x[..., index] + b``: reads some columns of its input, or all of them.

    Args:
        plan: Columns that are read and rows.
        hidden_size: Width of the input.
    """

    def __init__(self, plan: Projection, hidden_size: int) -> None:
        super().__init__()
        self.linear = nn.Linear(plan.columns or hidden_size, plan.rows, plan.bias)
        self.index: Tensor | None
        self.register_buffer("index", _index(plan.columns) if plan.columns else None)

    def forward(self, x: Tensor) -> Tensor:
        """``(..., hidden_size)`` -> ``(..., rows)``."""
        return self.linear(x if self.index is None else read(x, self.index))


class ScatteredLinear(nn.Module):
    """Computes some rows of its output, or all of them; the others are zero, or a constant.

    The narrow result is put in place by reading from it with an index as wide as the output, which
    is quicker than writing into zeros; W has a row of zeros for those to read.

    Args:
        plan: Columns and rows that are computed.
        hidden_size: Width of the output.
    """

    def __init__(self, plan: Output, hidden_size: int) -> None:
        super().__init__()
        self.linear = nn.Linear(plan.columns, plan.rows or hidden_size, plan.bias)
        self.index: Tensor | None
        self.register_buffer("index", _index(hidden_size) if plan.rows else None)
        self.constant = nn.Parameter(torch.zeros(hidden_size)) if plan.constant else None

    def forward(self, x: Tensor) -> Tensor:
        """``(..., columns)`` -> ``(..., hidden_size)``."""
        y = self.linear(x)
        y = y if self.index is None else read(y, self.index)
        return y if self.constant is None else y + self.constant


class Constant(nn.Module):
    """What is left of a sublayer that no longer looks at its input."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(hidden_size))

    def forward(self, x: Tensor) -> Tensor:
        """``(..., any)`` -> ``(..., hidden_size)``."""
        return self.bias.expand(*x.shape[:-1], -1)


class Nothing(nn.Module):
    """Reads nothing: what stands before a `Constant`."""

    def forward(self, x: Tensor) -> Tensor:
        """``(..., any)`` -> ``(..., 0)``."""
        return x[..., :0]


class ShrunkAttention(nn.Module):
    """Attention whose heads have unequal widths; heads of one group are computed together.

    Args:
        plan: Groups and products; None if no head is left.
        dense: The attention that it stands for, whose scale and dropout it takes over.
        hidden_size: Width of the residual stream.
    """

    def __init__(self, plan: AttentionPlan | None, dense: nn.Module, hidden_size: int) -> None:
        super().__init__()
        self.groups = plan.groups if plan else ()
        self.width = plan.width if plan else 0
        self.scaling: float = dense.scaling  # type: ignore[assignment]
        self.dropout: float = dense.dropout.p  # type: ignore[union-attr,assignment]
        self.projections = nn.ModuleList(
            GatheredLinear(p, hidden_size) for p in (plan.projections if plan else ())
        )

    def forward(
        self, hidden_states: Tensor, attention_mask: Tensor | None = None, **kwargs: object
    ) -> tuple[Tensor, None]:
        """``(batch, length, hidden_size)`` -> ``(batch, length, sum of the heads' widths)``.

        The mask is boolean or added to the scores, and broadcasts to
        ``(batch, heads, length, length)``. Attention probabilities are never made.
        """
        if not self.groups:
            return self.project(hidden_states[..., :0]), None
        batch, length = hidden_states.shape[:2]
        queries_keys_values = self._projected(hidden_states)
        contexts, start = [], 0
        for heads, width in self.groups:
            shape, end = (batch, length, heads, width), start + heads * width
            q, k, v = (t[..., start:end].view(shape).transpose(1, 2) for t in queries_keys_values)
            context = nn.functional.scaled_dot_product_attention(
                q, k, v, attention_mask, self.dropout if self.training else 0.0, scale=self.scaling
            )
            contexts.append(context.transpose(1, 2).reshape(batch, length, heads * width))
            start = end
        together = contexts[0] if len(contexts) == 1 else torch.cat(contexts, -1)
        return self.project(together), None

    def project(self, context: Tensor) -> Tensor:
        """The heads' results, as the architecture wants them: here as they are."""
        return context

    def _projected(self, x: Tensor) -> list[Tensor]:
        """Queries, keys and values, each of shape ``(batch, length, width)`` or padded."""
        if len(self.projections) > 1:
            return [projection(x) for projection in self.projections]
        together = self.projections[0](x)
        return [together[..., i * self.width : (i + 1) * self.width] for i in range(3)]


class ShrunkProjectedAttention(ShrunkAttention):
    """The same, with the output matrix inside, as in DistilBERT."""

    out_lin: nn.Module

    def project(self, context: Tensor) -> Tensor:
        """``(batch, length, width)`` -> ``(batch, length, hidden_size)``."""
        return self.out_lin(context)


def read(x: Tensor, index: Tensor) -> Tensor:
    """``x[..., index]``; on two dimensions, where torch is an order of magnitude quicker.

    onnxruntime reads whole rows three times as fast as it reads columns, transposing included.
    """
    flat = x.reshape(-1, x.shape[-1])
    if torch.onnx.is_in_onnx_export():
        return flat.t().index_select(0, index).t().reshape(*x.shape[:-1], index.shape[0])
    return flat.index_select(1, index).view(*x.shape[:-1], -1)


def _index(length: int) -> Tensor:
    return torch.zeros(length, dtype=torch.long)
