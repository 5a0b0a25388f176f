"""Compacter (arXiv 2106.04647): bottleneck adapters whose weights are sums of Kronecker products.

Settings that the paper leaves open are those of the authors' code, github.com/rabeehk/compacter,
commit e123daa, seq2seq/configs/compacter.json.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, linear
from transformers import PreTrainedModel

from finegates.adapters.layer import NonlinearAdapter, wrap_matrices
from finegates.gates.layout import GateLayout
from finegates.models.parameters import compacter_bottleneck

RULE_STD = 1e-4
"""Of the shared A at the start (``phm_init_range``). Both weights of an adapter are sums over A, so
its output is some 1e-8 of its input and the model starts as it was, up to rounding."""
GLOROT_GAIN = math.sqrt(2)
"""Of s and t (``glorot-uniform`` in seq2seq/hypercomplex/inits.py)."""
RULE_NAME = "compacter"
"""Under this name the model owns A."""


class KroneckerRule(nn.Module):
    """The matrices A of a model, shared by all its adapters.

    Args:
        terms: Their number n.

    Attributes:
        a: Shape ``(n, n, n)``; ``a[i]`` is A_i.
    """

    def __init__(self, terms: int) -> None:
        super().__init__()
        self.a = nn.Parameter(RULE_STD * torch.randn(terms, terms, terms))


class PHMLinear(nn.Module):
    """``y = W x + b`` with ``W = sum_i A_i kron (s_i t_i^T)``.

    Args:
        in_features: Width of the input, a multiple of n.
        out_features: Width of the output, a multiple of n.
        rule: The shared A.

    Attributes:
        s: Shape ``(n, out_features / n, 1)``.
        t: Shape ``(n, 1, in_features / n)``.
        bias: Shape ``(out_features,)``, 0 at the start.
    """

    def __init__(self, in_features: int, out_features: int, rule: KroneckerRule) -> None:
        super().__init__()
        terms = len(rule.a)
        self.s = nn.Parameter(torch.empty(terms, out_features // terms, 1))
        self.t = nn.Parameter(torch.empty(terms, 1, in_features // terms))
        for factor in (*self.s, *self.t):
            nn.init.xavier_uniform_(factor, gain=GLOROT_GAIN)
        self.bias = nn.Parameter(torch.zeros(out_features))
        self._rule = (rule,)  # in a tuple: the model owns the rule, this only looks at it

    @property
    def weight(self) -> Tensor:
        """Shape ``(out_features, in_features)``; differentiable."""
        blocks = torch.einsum("nab,nij->aibj", self._rule[0].a, self.s @ self.t)
        return blocks.flatten(2).flatten(0, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``(..., in_features)`` -> ``(..., out_features)``."""
        return linear(x, self.weight, self.bias)


class CompacterLinear(NonlinearAdapter):
    """``z + Up(gelu(Down z))`` with ``z = W x + b``: before dropout, residual and layer norm.

    Args:
        base_layer: The Linear whose output is adapted.
        bottleneck: Width between the two, a multiple of n.
        rule: The shared A.
    """

    technique = "Compacter"

    def __init__(self, base_layer: nn.Linear, bottleneck: int, rule: KroneckerRule) -> None:
        super().__init__(base_layer)
        self.down = PHMLinear(self.out_features, bottleneck, rule)
        self.up = PHMLinear(bottleneck, self.out_features, rule)

    def forward(self, x: Tensor) -> Tensor:
        """``(..., in_features)`` -> ``(..., out_features)``."""
        z = self.base_layer(x)
        # the authors' ``gelu_new`` is the tanh approximation
        return z + self.up(gelu(self.down(z), approximate="tanh"))


def attach_compacter(
    model: PreTrainedModel, layout: GateLayout, terms: int, reduction: int | None
) -> list[nn.Parameter]:
    """Wraps the matrices of a layout; the model gets the shared A as ``model.compacter``.

    Args:
        model: Changed in place.
        layout: Which matrices; the authors' are o and output, in Compacter++ output alone.
        terms: Kronecker terms n.
        reduction: Width over bottleneck, see `finegates.models.parameters.compacter_bottleneck`.

    Returns:
        The shared A, then every adapter's factors and biases.

    Raises:
        ModelError: If n does not divide the width of an adapted output.
    """
    bottlenecks = {
        m.out_features: compacter_bottleneck(m.out_features, terms, reduction)
        for m in layout.matrices
    }
    rule = KroneckerRule(terms)
    layers = wrap_matrices(
        model, layout, lambda base: CompacterLinear(base, bottlenecks[base.out_features], rule)
    )
    model.add_module(RULE_NAME, rule.to(layers[0].weight.device))
    halves = (half for layer in layers for half in (layer.down, layer.up))
    return [rule.a, *(p for half in halves for p in half.parameters())]
