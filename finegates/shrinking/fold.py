"""Folds gates, biases and low-rank updates of a gated model into plain weights.

What gates close becomes rows and columns of zeros; from here on nothing is known of gates. Closed
dimensions of the residual stream leave the model and its matrices at once: all of it shares them.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from finegates.adapters import merge_adapters
from finegates.errors import ModelError
from finegates.gates.layout import ROLES, SIDES, GatedMatrix
from finegates.gates.stream import READS
from finegates.models.architectures import architecture_of
from finegates.nn.attach import GATES_NAME, detach_gates, gated_streams, gates_of
from finegates.nn.gated_linear import GatedLinear
from finegates.nn.gates import Gates
from finegates.nn.model_parts import encoder_layers, locate
from finegates.shrinking.narrow import keep_dimensions


@dataclass(frozen=True)
class Folded:
    """A matrix as the model computes with it in evaluation.

    Attributes:
        weight: Float64, shape ``(out, in)``; closed rows and columns are zero.
        bias: Float64, shape ``(out,)``; zero where there is none.
    """

    weight: Tensor
    bias: Tensor

    def rows(self, keep: Tensor) -> "Folded":
        """Some of its rows: a boolean of shape ``(out,)``, or indices."""
        return Folded(self.weight[keep], self.bias[keep])

    @property
    def is_constant(self) -> Tensor:
        """Which outputs don't depend on the input, boolean, shape ``(out,)``."""
        return (self.weight == 0).all(1)

    @property
    def reads(self) -> Tensor:
        """Which inputs are read, boolean, shape ``(in,)``."""
        return (self.weight != 0).any(0)


Layer = dict[str, Folded]
"""Role -> matrix."""


@torch.no_grad()
def fold(model: PreTrainedModel) -> list[Layer]:
    """Takes gates and adapters off a model and returns the folded matrices of its layers.

    Args:
        model: A supported classifier with gates, adapters, both or neither. Changed in place: it is
            plain afterwards, and its gated matrices hold their base weights. Norms hold their
            gates, and of the residual stream the model and the layers have what is open: at least
            one dimension, which is zero if none is.

    Raises:
        ModelError: If the type is not supported, or an adapter is not linear.
    """
    numbers = range(len(encoder_layers(model)))
    merge_adapters(model)
    gates = gates_of(model) if hasattr(model, GATES_NAME) else None
    layers = [
        {role: _folded(_matrix(model, number, role), gates) for role in ROLES} for number in numbers
    ]
    if gates is not None:
        is_open = _fold_stream(model, gates)
        detach_gates(model)
        if is_open is not None and not is_open.all():
            kept = is_open.nonzero()[:, 0] if is_open.any() else torch.tensor([0])
            keep_dimensions(model, kept, architecture_of(model.config.model_type))
            layers = [_narrower(layer, is_open, kept) for layer in layers]
    return layers


@torch.no_grad()
def fold_into(model: PreTrainedModel) -> None:
    """Makes a gated model plain in place: at its full size, with the same outputs in evaluation.

    Args:
        model: As `fold` takes it. Only closed dimensions of the residual stream leave it narrower.

    Raises:
        ModelError: As `fold`.
    """
    for number, layer in enumerate(fold(model)):
        put_layer(model, number, layer)


def put_layer(model: PreTrainedModel, number: int, layer: Layer) -> None:
    """Puts folded matrices, of any sizes that fit each other, in the places of a layer's own.

    Args:
        model: Plain; changed in place, its precision stays.
        number: Of the layer.
        layer: Its matrices. Where there was no bias there is one only if it is not zero.
    """
    for role, folded in layer.items():
        parent, name = locate(model, GatedMatrix(number, role, 0, 0))
        before: nn.Linear = getattr(parent, name)
        rows, columns = folded.weight.shape
        has_bias = before.bias is not None or bool(folded.bias.any())
        linear = nn.Linear(columns, rows, has_bias, device="meta", dtype=before.weight.dtype)
        linear.weight = nn.Parameter(folded.weight.to(before.weight))
        if has_bias:
            linear.bias = nn.Parameter(folded.bias.to(before.weight))
        setattr(parent, name, linear.train(before.training))


def _matrix(model: PreTrainedModel, layer: int, role: str) -> nn.Module:
    parent, name = locate(model, GatedMatrix(layer, role, 0, 0))
    return getattr(parent, name)


def _folded(module: nn.Module, gates: Gates | None) -> Folded:
    if isinstance(module, GatedLinear) and gates is not None:
        return _with_gates(module, gates)
    if not isinstance(module, nn.Linear):
        raise ModelError(f"A {type(module).__name__} can't be folded into one matrix.")
    return Folded(module.weight.double(), _bias_of(module))


def _with_gates(module: GatedLinear, gates: Gates) -> Folded:
    values = gates.applied_values().double()
    gate_in, gate_out = (_gate(gates, module.matrix, side, values) for side in SIDES)
    weight = gate_out[:, None] * module.merged_weight().double() * gate_in
    if module.low_rank is not None and not module.inside:
        low = module.low_rank
        weight = weight + (low.scale * low.b @ low.a).double()
    return Folded(weight, gate_out * _bias_of(module))


def _fold_stream(model: PreTrainedModel, gates: Gates) -> Tensor | None:
    """Gates go into what puts out the residual stream; returns which of its dimensions are open."""
    hidden = gates.layout.hidden
    if hidden is None:
        return None
    values = gates.law.value(gates.mean)[hidden.slice]
    for gated in gated_streams(model).values():
        base = gated.base_layer
        over = values if isinstance(base, nn.LayerNorm) else values[:, None]
        base.weight.copy_(base.weight.double() * over)
        if base.bias is not None:
            base.bias.copy_(base.bias.double() * values)
    return values > 0


def _narrower(layer: Layer, is_open: Tensor, kept: Tensor) -> Layer:
    """A layer's matrices on the dimensions of the residual stream that are kept."""
    found = {}
    for role, matrix in layer.items():
        if (role, "in") in READS:
            found[role] = Folded((matrix.weight * is_open)[:, kept], matrix.bias)
        else:
            weight, bias = matrix.weight * is_open[:, None], matrix.bias * is_open
            found[role] = Folded(weight[kept], bias[kept])
    return found


def _gate(gates: Gates, matrix: GatedMatrix, side: str, values: Tensor) -> Tensor:
    place = gates.layout.applied_place(matrix, side)
    if place is None:
        return torch.ones(matrix.features(side), dtype=values.dtype)
    return values[gates.layout.sides[place].slice]


def _bias_of(module: nn.Linear | GatedLinear) -> Tensor:
    width = module.out_features
    return torch.zeros(width).double() if module.bias is None else module.bias.double()
