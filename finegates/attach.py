"""Puts gates on a Hugging Face model, freezes the rest, and takes them off again.

A gated Linear computes ``y = out_gate * (W (in_gate * x) + b)`` (arXiv 2412.12951 eq. 7; the bias
is gated, as in the public code), with a low-rank update inside the gates if asked (eq. 8, Figure
1). Gates multiply activations, so base weights are never touched.
"""

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from finegates.architectures import architecture_of, layout_of_config
from finegates.gates import Gates
from finegates.laws import Law
from finegates.layout import GatedMatrix
from finegates.spec import ROLES

GATES_NAME = "finegates"


class LowRank(nn.Module):
    """``x -> (alpha / r) B A x``; A Gaussian, B zero at the start.

    Args:
        in_features: Width of the input.
        out_features: Width of the output.
        rank: Rank r.
        alpha: Scale times r.
    """

    def __init__(self, in_features: int, out_features: int, rank: int, alpha: float) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.randn(rank, in_features) / in_features**0.5)
        self.b = nn.Parameter(torch.zeros(out_features, rank))
        self.scale = alpha / rank

    def forward(self, x: Tensor) -> Tensor:
        """``(..., in_features)`` -> ``(..., out_features)``."""
        return nn.functional.linear(nn.functional.linear(x, self.a), self.b) * self.scale


class GatedLinear(nn.Module):
    """A Linear whose inputs, outputs or both are gated.

    Attributes:
        base_layer: The wrapped Linear, unchanged.
        matrix: Which matrix of the model it is.
        low_rank: The update inside the gates, or None.
    """

    def __init__(
        self,
        base_layer: nn.Linear,
        matrix: GatedMatrix,
        gates: Gates,
        low_rank: LowRank | None = None,
    ) -> None:
        super().__init__()
        self.base_layer, self.matrix, self.low_rank = base_layer, matrix, low_rank
        places = gates.layout.places
        self._in_index = places.get(f"{matrix.name}.in")
        self._out_index = places.get(f"{matrix.name}.out")
        self._gates = (gates,)  # in a tuple: the model owns the gates, this only looks at them

    @property
    def in_features(self) -> int:
        """Width of the input."""
        return self.base_layer.in_features

    @property
    def out_features(self) -> int:
        """Width of the output."""
        return self.base_layer.out_features

    @property
    def weight(self) -> Tensor:
        """The base weight, shape ``(out_features, in_features)``."""
        return self.base_layer.weight

    @property
    def bias(self) -> Tensor | None:
        """The base bias, shape ``(out_features,)``."""
        return self.base_layer.bias

    def forward(self, x: Tensor) -> Tensor:
        """``(..., in_features)`` -> ``(..., out_features)``."""
        gates = self._gates[0]
        if self._in_index is not None:
            x = x * gates.part(self._in_index)
        y = self.base_layer(x)
        if self.low_rank is not None:
            y = y + self.low_rank(x)
        return y if self._out_index is None else y * gates.part(self._out_index)


def attach_gates(
    model: PreTrainedModel,
    law: Law,
    *,
    target_modules: tuple[str, ...] = ROLES,
    sides: str = "both",
    train_biases: bool = True,
    lora_rank: int = 0,
    lora_alpha: float = 16.0,
    generator: torch.Generator | None = None,
) -> Gates:
    """Wraps the target matrices of a model in place and freezes everything else but its head.

    Args:
        model: A ``...ForSequenceClassification`` of a supported type.
        law: Gate law.
        target_modules: Roles that get gates, see `finegates.spec.ROLES`.
        sides: ``both``, ``in`` or ``out``.
        train_biases: Whether biases of gated matrices are trained.
        lora_rank: Rank of a low-rank update inside the gates; 0 is none.
        lora_alpha: Its scale times its rank.
        generator: Source of the gates' initial values.

    Returns:
        The gates; they belong to the model from now on (``model.finegates``).

    Raises:
        ModelError: If the type is not supported or no target matches.
    """
    if hasattr(model, GATES_NAME):
        raise ValueError("This model carries gates already; detach_gates takes them off.")
    layout = layout_of_config(model.config.to_dict(), target_modules, sides)
    gates = Gates(layout, law, generator)
    _freeze(model)
    for matrix in layout.matrices:
        parent, name = _locate(model, matrix)
        base = getattr(parent, name)
        low_rank = (
            LowRank(base.in_features, base.out_features, lora_rank, lora_alpha)
            if lora_rank
            else None
        )
        setattr(parent, name, GatedLinear(base, matrix, gates, low_rank))
        if base.bias is not None:
            base.bias.requires_grad_(train_biases)
    model.add_module(GATES_NAME, gates.to(next(model.parameters()).device).train(model.training))
    hook = partial(_draw_before_forward, gates)
    gates.hooks = [m.register_forward_pre_hook(hook) for m in (model, model.base_model)]
    return gates


def detach_gates(model: PreTrainedModel) -> None:
    """Takes the gates off again: the model is as before, but for what was trained."""
    for gated in list(gated_linears(model)):
        parent, name = _locate(model, gated.matrix)
        setattr(parent, name, gated.base_layer)
    for hook in gates_of(model).hooks:
        hook.remove()
    delattr(model, GATES_NAME)


def gated_linears(model: PreTrainedModel) -> Iterator[GatedLinear]:
    """Every gated Linear of a model, in the order of its layers."""
    return (m for m in model.modules() if isinstance(m, GatedLinear))


def gates_of(model: PreTrainedModel) -> Gates:
    """The gates that a model carries."""
    gates = model.get_submodule(GATES_NAME)
    assert isinstance(gates, Gates)
    return gates


def trained_state(model: PreTrainedModel) -> dict[str, Tensor]:
    """What was trained, by its name in the model: gates, head, biases, low-rank matrices."""
    return {n: p.detach() for n, p in model.named_parameters() if p.requires_grad}


def _draw_before_forward(gates: Gates, module: nn.Module, inputs: tuple) -> None:
    gates.forget_draw()


def _freeze(model: PreTrainedModel) -> None:
    model.requires_grad_(False)
    for path in architecture_of(model.config.model_type).head:
        model.get_submodule(path).requires_grad_(True)


def _locate(model: PreTrainedModel, matrix: GatedMatrix) -> tuple[nn.Module, str]:
    """The module that holds a matrix, and the matrix's name in it."""
    architecture = architecture_of(model.config.model_type)
    path = f"{architecture.layers}.{matrix.layer}.{architecture.roles[matrix.role]}"
    parent, _, name = path.rpartition(".")
    return model.get_submodule(parent), name
