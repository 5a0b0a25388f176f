"""Gates on the dimensions of the residual stream: one vector, wherever the stream is put out.

After each sublayer ``x' = z * norm(x + sublayer(x))``, with the norm's mean and variance over the
dimensions whose gate is open in this pass, as under CoFi's hidden mask (arXiv 2204.00408): what is
closed is zero everywhere and has no say in what is left, so that it can go. A head's first Linear
has a unit for each dimension, which goes with it: a config has one size for both. Base weights are
never touched.
"""

import torch
from torch import Tensor, nn

from finegates.nn.gates import Gates


class GatedStream(nn.Module):
    """Puts out the residual stream, times its gates.

    Attributes:
        base_layer: A norm, or a Linear: what the stream begins with, or a head's first; it is
            never written to.
    """

    def __init__(self, base_layer: nn.LayerNorm | nn.Linear, gates: Gates) -> None:
        super().__init__()
        self.base_layer = base_layer
        self._gates = (gates,)  # in a tuple: the model owns the gates, this only looks at them

    def forward(self, x: Tensor) -> Tensor:
        """``(..., any)`` -> ``(..., hidden_size)``."""
        (gates,) = self._gates
        assert gates.layout.hidden is not None
        gate = gates.of_vector(gates.layout.hidden)
        if isinstance(self.base_layer, nn.LayerNorm):
            return norm_over_open(x, gate, self.base_layer)
        y = self.base_layer(x)
        return y * gate.to(y.dtype)


def norm_over_open(x: Tensor, gate: Tensor, norm: nn.LayerNorm) -> Tensor:
    """``gate * norm(x)``, the norm over the dimensions whose gate is open: ``(..., H)`` both ways.

    Closed dimensions stand at the mean of the open ones, which leaves it the mean of all; that the
    variance is then of fewer is made good by a scale. With every gate open it is the norm itself,
    and with none it is zero.

    Args:
        x: Shape ``(..., H)``.
        gate: Shape ``(H,)``, in [0, 1].
        norm: With weight and bias.
    """
    wide = torch.promote_types(x.dtype, torch.float32)
    is_open = gate > 0
    number = is_open.sum().clamp(min=1).to(wide)
    kept = x.to(wide)
    mean = (kept * is_open).sum(-1, keepdim=True) / number
    scale = (len(gate) / number).sqrt()
    weight, bias = norm.weight.to(wide) * gate / scale, norm.bias.to(wide) * gate
    kept = torch.where(is_open, kept, mean) * scale
    y = nn.functional.layer_norm(kept, norm.normalized_shape, weight, bias, norm.eps)
    return y.to(x.dtype)
