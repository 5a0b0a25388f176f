"""Puts gates on a Hugging Face model, freezes the rest, and takes them off again."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn
from transformers import PreTrainedModel

from finegates.errors import ModelError, SpecError
from finegates.gates.laws import Law, make_law
from finegates.gates.layout import ROLES
from finegates.gates.units import AUTO
from finegates.models.architectures import layout_of_config
from finegates.nn.gated_linear import GatedLinear, LowRank
from finegates.nn.gated_stream import GatedStream
from finegates.nn.gates import Gates
from finegates.nn.model_parts import locate, replace_module, stream_paths, train_head_only

GATES_NAME = "finegates"
GATES_STATE = f"{GATES_NAME}._extra_state"
"""In a model's state: whether its gates are settled, which is no weight."""


@dataclass(frozen=True)
class Attachment:
    """How gates are put on a model; `attach_gates` explains each."""

    target_modules: tuple[str, ...] = ROLES
    sides: str = "both"
    train_biases: bool = True
    lora_rank: int = 0
    lora_alpha: float = 16.0
    lora_place: str = "inside"
    units: tuple[str, ...] = (AUTO,)
    uniform: bool = False
    multiple: int = 1


def attach_gates(
    model: PreTrainedModel,
    law: Law | str = "gaussian",
    *,
    target_modules: tuple[str, ...] = ROLES,
    sides: str = "both",
    train_biases: bool = True,
    lora_rank: int = 0,
    lora_alpha: float = 16.0,
    lora_place: str = "inside",
    units: tuple[str, ...] = (AUTO,),
    uniform: bool = False,
    multiple: int = 1,
    generator: torch.Generator | None = None,
) -> Gates:
    """Wraps the target matrices of a model in place and freezes everything else but its head.

    Args:
        model: A ``...ForSequenceClassification`` of a supported type.
        law: Gate law, or the name of one; the default is the recipes'.
        target_modules: Roles that get gates, see `finegates.gates.layout.ROLES`.
        sides: ``both``, ``in`` or ``out``.
        train_biases: Whether biases of gated matrices are trained.
        lora_rank: Rank of a low-rank update; 0 is none.
        lora_alpha: Its scale times its rank.
        lora_place: ``inside`` or ``outside`` of the gates.
        units: What a gate stands for, see `finegates.gates.units`: ``matrices``, or structures,
            which need all matrices and both sides; ``auto`` is the type's own default.
        uniform: Whether every layer is to keep as many gates of each kind: with units that a config
            can say, the smaller model is then a plain one.
        multiple: Widths stay multiples of it, as 8 or 64, when gates are closed for a budget or at
            a threshold.
        generator: Source of the gates' initial values.

    Returns:
        The gates; they belong to the model from now on (``model.finegates``).

    Raises:
        ModelError: If the type is not supported or no target matches.
        SpecError: If there is no such law, or the model carries gates already.
    """
    if hasattr(model, GATES_NAME):
        raise SpecError("This model carries gates already; detach_gates takes them off.")
    layout = layout_of_config(
        model.config.to_dict(), target_modules, sides, units, uniform, multiple
    )
    gates = Gates(layout, make_law(law) if isinstance(law, str) else law, generator)
    gates.attachment = Attachment(
        tuple(target_modules),
        sides,
        train_biases,
        lora_rank,
        lora_alpha,
        lora_place,
        layout.units,
        uniform,
        multiple,
    )
    inside = lora_place == "inside"
    train_head_only(model)
    for matrix in layout.matrices:
        parent, name = locate(model, matrix)
        base = getattr(parent, name)
        low_rank = (
            LowRank(base.in_features, base.out_features, lora_rank, lora_alpha)
            if lora_rank
            else None
        )
        setattr(parent, name, GatedLinear(base, matrix, gates, low_rank, inside))
        if base.bias is not None:
            base.bias.requires_grad_(train_biases)
    for path in stream_paths(model) if layout.hidden else ():
        replace_module(model, path, GatedStream(model.get_submodule(path), gates))  # type: ignore[arg-type]
    model.add_module(GATES_NAME, gates.to(next(model.parameters()).device).train(model.training))
    hook = partial(_draw_before_forward, gates)
    gates.hooks = [m.register_forward_pre_hook(hook) for m in (model, model.base_model)]
    return gates


def detach_gates(model: PreTrainedModel) -> None:
    """Takes the gates off again: the model is as before, but for what was trained."""
    for gated in list(gated_linears(model)):
        parent, name = locate(model, gated.matrix)
        setattr(parent, name, gated.base_layer)
    for path, gated_stream in gated_streams(model).items():
        replace_module(model, path, gated_stream.base_layer)
    for hook in gates_of(model).hooks:
        hook.remove()
    delattr(model, GATES_NAME)


def gated_linears(model: PreTrainedModel) -> Iterator[GatedLinear]:
    """Every gated Linear of a model, in the order of its layers."""
    return (m for m in model.modules() if isinstance(m, GatedLinear))


def gated_streams(model: PreTrainedModel) -> dict[str, GatedStream]:
    """What puts out the residual stream with gates, by its dotted path; empty without such."""
    return {name: m for name, m in model.named_modules() if isinstance(m, GatedStream)}


def gates_of(model: PreTrainedModel) -> Gates:
    """The gates that a model carries.

    Raises:
        ModelError: If it carries none.
    """
    gates = getattr(model, GATES_NAME, None)
    if not isinstance(gates, Gates):
        raise ModelError("This model carries no gates; attach_gates puts them on.")
    return gates


def _draw_before_forward(gates: Gates, module: nn.Module, inputs: tuple) -> None:
    gates.forget_draw()
