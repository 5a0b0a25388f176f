"""Folds gates, biases and low-rank updates of a gated model into plain weights.

What gates close becomes rows and columns of zeros; from here on nothing is known of gates. Closed
dimensions of the residual stream leave the model and its matrices at once: all of it shares them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from transformers import PreTrainedModel

from finegates.adapters import merge_adapters
from finegates.errors import ModelError
from finegates.gates.layout import SIDES, GatedMatrix, GateLayout
from finegates.gates.stream import READS
from finegates.models.architectures import architecture_of
from finegates.nn.attach import GATES_NAME, detach_gates, gated_streams, gates_of
from finegates.nn.gated_linear import GatedLinear
from finegates.nn.gates import Gates
from finegates.nn.model_parts import encoder_layers, locate, stream_paths
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

    def rows(self, keep: Tensor | slice) -> "Folded":
        """Some of its rows: a boolean of shape ``(out,)``, indices, or a slice, not copied."""
        return Folded(self.weight[keep], self.bias[keep])

    def columns(self, keep: Tensor | slice) -> "Folded":
        """Some of its columns, as `rows`."""
        return Folded(self.weight[:, keep], self.bias)

    def with_rows(self, number: int) -> "Folded":
        """So many rows, those that it lacks of zeros."""
        missing = number - len(self.bias)
        return Folded(pad(self.weight, (0, 0, 0, missing)), pad(self.bias, (0, missing)))

    def with_columns(self, number: int) -> "Folded":
        """So many columns, those that it lacks of zeros."""
        return Folded(pad(self.weight, (0, number - self.weight.shape[1])), self.bias)

    @cached_property
    def is_constant(self) -> Tensor:
        """Which outputs don't depend on the input, boolean, shape ``(out,)``."""
        return ~self.weight.any(1)

    @cached_property
    def is_zero(self) -> Tensor:
        """Which outputs are always zero, boolean, shape ``(out,)``."""
        return self.is_constant & self.bias.eq(0)

    @cached_property
    def reads(self) -> Tensor:
        """Which inputs are read, boolean, shape ``(in,)``."""
        return self.weight.any(0)


def below(parts: Sequence[Folded]) -> Folded:
    """Matrices of equally many columns below each other."""
    return Folded(torch.cat([p.weight for p in parts]), torch.cat([p.bias for p in parts]))


def as_rows(columns: Tensor) -> Folded:
    """Columns of an output matrix, shape ``(H, n)``, as n rows without a bias."""
    return Folded(columns.T, torch.zeros(columns.shape[1], dtype=columns.dtype))


Layer = dict[str, Folded]
"""Role -> matrix."""


@dataclass(frozen=True)
class Open:
    """A matrix whose gates are all open: what any of them closes is cut out of it.

    Attributes:
        gated: What the gates multiply, at the values that they have when open.
        outside: A low-rank update that they don't, float64, shape ``(out, in)``; None if none.
        matrix: Where its gates are; None without gates.
    """

    gated: Folded
    outside: Tensor | None = None
    matrix: GatedMatrix | None = None

    def closed_by(self, layout: GateLayout, is_open: Tensor) -> Folded:
        """The matrix with some gates closed; equal to what folding it then gives.

        Args:
            layout: Where each gate is.
            is_open: Of each gated row and column, boolean, shape ``(num_dimensions,)``.
        """
        gated = self.gated
        if self.matrix is not None:
            read, kept = (_gate(layout, self.matrix, side, is_open) for side in SIDES)
            weight = torch.where(kept[:, None] & read, gated.weight, 0.0)
            gated = Folded(weight, torch.where(kept, gated.bias, 0.0))
        return gated if self.outside is None else _plus(gated, self.outside)


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
    is_open = _open_stream(gates_of(model)) if hasattr(model, GATES_NAME) else None
    layers = [
        {role: _whole(matrix) for role, matrix in layer.items()} for layer in fold_apart(model)
    ]
    return layers if is_open is None else narrowed(model, layers, is_open)


@torch.no_grad()
def fold_apart(model: PreTrainedModel) -> list[dict[str, Open]]:
    """As `fold`, with what the gates multiply apart from what they don't, at its full width."""
    numbers = range(len(encoder_layers(model)))
    roles = architecture_of(model.config.model_type).roles
    merge_adapters(model)
    gates = gates_of(model) if hasattr(model, GATES_NAME) else None
    layers = [
        {role: _folded(_matrix(model, number, role), gates) for role in roles} for number in numbers
    ]
    if gates is not None:
        _fold_stream(model, gates)
        detach_gates(model)
    return layers


@torch.no_grad()
def narrowed(model: PreTrainedModel, layers: list[Layer], is_open: Tensor) -> list[Layer]:
    """Takes closed dimensions of the residual stream out of a plain model and its layers.

    Args:
        model: Changed in place.
        layers: Its folded matrices.
        is_open: Boolean, shape ``(width,)``; if none is open, the first stays, as zero.
    """
    if is_open.all():
        return layers
    kept = is_open.nonzero()[:, 0] if is_open.any() else torch.tensor([0])
    keep_dimensions(model, kept, architecture_of(model.config.model_type))
    for path in () if is_open.any() else stream_paths(model):
        for parameter in model.get_submodule(path).parameters():
            parameter.zero_()
    return [_narrower(layer, is_open, kept) for layer in layers]


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


def _folded(module: nn.Module, gates: Gates | None) -> Open:
    if isinstance(module, GatedLinear) and gates is not None:
        return _with_gates(module, gates)
    if not isinstance(module, nn.Linear):
        raise ModelError(f"A {type(module).__name__} can't be folded into one matrix.")
    return Open(Folded(module.weight.double(), _bias_of(module)))


def _with_gates(module: GatedLinear, gates: Gates) -> Open:
    values = gates.applied_values().double()
    gate_in, gate_out = (_gate(gates.layout, module.matrix, side, values) for side in SIDES)
    weight = gate_out[:, None] * module.merged_weight().double() * gate_in
    outside = None
    if module.low_rank is not None and not module.inside:
        low = module.low_rank
        outside = (low.scale * low.b @ low.a).double()
    return Open(Folded(weight, gate_out * _bias_of(module)), outside, module.matrix)


def _open_stream(gates: Gates) -> Tensor | None:
    """Which dimensions of the residual stream are open; None if no gates stand for them."""
    hidden = gates.layout.hidden
    return None if hidden is None else gates.law.value(gates.mean)[hidden.slice] > 0


def _fold_stream(model: PreTrainedModel, gates: Gates) -> None:
    """Gates of the residual stream go into what puts it out."""
    hidden = gates.layout.hidden
    if hidden is None:
        return
    values = gates.law.value(gates.mean)[hidden.slice]
    for gated in gated_streams(model).values():
        base = gated.base_layer
        over = values if isinstance(base, nn.LayerNorm) else values[:, None]
        base.weight.copy_(base.weight.double() * over)
        if base.bias is not None:
            base.bias.copy_(base.bias.double() * values)


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


def _whole(matrix: Open) -> Folded:
    return matrix.gated if matrix.outside is None else _plus(matrix.gated, matrix.outside)


def _plus(matrix: Folded, update: Tensor) -> Folded:
    return Folded(matrix.weight + update, matrix.bias)


def _gate(layout: GateLayout, matrix: GatedMatrix, side: str, values: Tensor) -> Tensor:
    """What rows or columns have of some values; those without a gate have 1, or true."""
    place = layout.applied_place(matrix, side)
    if place is None:
        return torch.ones(matrix.features(side), dtype=values.dtype)
    return values[layout.sides[place].slice]


def _bias_of(module: nn.Linear | GatedLinear) -> Tensor:
    width = module.out_features
    return torch.zeros(width).double() if module.bias is None else module.bias.double()
