"""Turns a gated model into a smaller one with the same outputs.

The algebra is in `finegates.shrinking.needed`, what pays where in `finegates.shrinking.hardware`.
Any pattern of gates works: all open, all closed, one dimension left.
"""

import copy
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel
from transformers.activations import ACT2FN

from finegates.errors import ModelError
from finegates.gates.cuts import Cut, cut_of, gates_to_prune
from finegates.models.architectures import architecture_of
from finegates.nn.attach import GATES_NAME, gates_of
from finegates.nn.gates import Gates
from finegates.nn.model_parts import layer_norms, size_of
from finegates.shrinking.build import Tensors, build_attention, build_feed_forward
from finegates.shrinking.build_decoder import build_gated_feed_forward, build_grouped_attention
from finegates.shrinking.classes import shrunk_class
from finegates.shrinking.fold import Layer, fold, fold_apart, narrowed
from finegates.shrinking.hardware import Hardware, hardware
from finegates.shrinking.models import Shrunk, shrunk_config
from finegates.shrinking.modules import tensor_path
from finegates.shrinking.needed import (
    needed_attention,
    needed_feed_forward,
    needs_of,
)
from finegates.shrinking.needed_decoder import (
    Heads,
    needed_gated_feed_forward,
    needed_grouped_attention,
    needs_of_decoder,
)
from finegates.shrinking.plan import LayerPlan, Needs

Model = TypeVar("Model", bound=PreTrainedModel)


@torch.no_grad()
def shrink(
    model: PreTrainedModel,
    *,
    threshold: float | None = None,
    remove: float | None = None,
    tuned_for: str | Hardware = "cpu",
) -> Shrunk:
    """A smaller model with the gated model's outputs in evaluation.

    Adapters and low-rank updates are merged, fractional gates are folded in. A low-rank update
    outside the gates keeps the rows and columns of its matrix, but for closed dimensions of the
    residual stream, which go everywhere. A sublayer that would not get faster
    stays dense. A model without gates loses the rows and columns of zeros that it has.

    Args:
        model: A supported classifier; it is not changed.
        threshold: Closes gates whose value is this or less first, in [0, 1].
        remove: Closes the lowest gates first, so that exactly this fraction of the gated weights
            goes, in [0, 1). With neither, the gates are taken as they are.
        tuned_for: ``cpu``, ``cuda`` or one's own: which widths and copies pay. It runs everywhere.

    Returns:
        A model on the CPU in evaluation, in the model's precision, of a class that `finegates.auto`
        registers.

    Raises:
        ModelError: If the type is not supported, or an adapter can't be merged.
        SpecError: If an argument is out of range.
    """
    plain = copy.deepcopy(model).cpu().eval()
    prune(plain, cut_of({"threshold": threshold, "remove": remove}))
    return _smaller(plain, fold(plain), hardware(tuned_for))


class Shrinker:
    """Makes the smaller models of one gated model, one for each of many cuts.

    Each is the one that `shrink` makes; what they have in common, copying and folding, is done
    once. What no gate touches, as the embeddings, is one memory for all of them.

    Args:
        model: A supported classifier with gates; it is not changed.
        tuned_for: As of `shrink`.

    Raises:
        ModelError: As `shrink`.
    """

    @torch.no_grad()
    def __init__(self, model: PreTrainedModel, tuned_for: str | Hardware = "cpu") -> None:
        self._machine = hardware(tuned_for)
        self._plain = copy.deepcopy(model).cpu().eval()
        gates = gates_of(self._plain)
        gates.close_exactly(np.zeros(gates.layout.num_gates, dtype=bool))
        self._layout, self._applied = gates.layout, gates.applied
        self._open = fold_apart(self._plain)

    @torch.no_grad()
    def at(self, closed: np.ndarray) -> Shrunk:
        """The smaller model without these gates: boolean, shape ``(num_gates,)``."""
        is_open = self._applied(torch.from_numpy(~closed)).bool()
        layers = [
            {role: matrix.closed_by(self._layout, is_open) for role, matrix in layer.items()}
            for layer in self._open
        ]
        plain, hidden = self._plain, self._layout.hidden
        if hidden is not None and closed[hidden.slice].any():
            plain = copy.deepcopy(plain)
            layers = narrowed(plain, layers, torch.from_numpy(~closed[hidden.slice]))
        return _smaller(plain, layers, self._machine)


def _smaller(plain: PreTrainedModel, layers: list[Layer], machine: Hardware) -> Shrunk:
    architecture = architecture_of(plain.config.model_type)
    plans, needs = [], []
    tensors: Tensors = {}
    one_layer = _decoder_layer if architecture.is_decoder else _encoder_layer
    for number, layer in enumerate(layers):
        plan, least, named = one_layer(plain, layer, machine)
        plans.append(plan)
        needs.append(least)
        tensors |= {tensor_path(architecture, number, n): t for n, t in named.items()}
    return _assembled(plain, plans, needs, tensors)


def _encoder_layer(
    plain: PreTrainedModel, layer: Layer, machine: Hardware
) -> tuple[LayerPlan, Needs, Tensors]:
    attention = needed_attention(layer, plain.config.num_attention_heads)
    feed_forward = needed_feed_forward(layer, activation_of(plain))
    first, named = build_attention(attention, layer, machine)
    second, more = build_feed_forward(feed_forward, layer, machine)
    return LayerPlan(first, second), needs_of(attention, feed_forward), named | more


def _decoder_layer(
    plain: PreTrainedModel, layer: Layer, machine: Hardware
) -> tuple[LayerPlan, Needs, Tensors]:
    attention = needed_grouped_attention(layer, heads_of(plain))
    feed_forward = needed_gated_feed_forward(layer, activation_of(plain))
    first, named = build_grouped_attention(attention, layer, machine)
    second, more = build_gated_feed_forward(feed_forward, layer, machine)
    return LayerPlan(first, second), needs_of_decoder(attention, feed_forward), named | more


def heads_of(model: PreTrainedModel) -> Heads:
    """How the heads of a decoder are divided."""
    queries, key_values = (size_of(model, what) for what in ("heads", "key_value_heads"))
    return Heads(queries, key_values, architecture_of(model.config.model_type).normed_scores)


def prune(model: PreTrainedModel, cut: Cut | None) -> np.ndarray | None:
    """Closes gates of a model in place; it keeps its size and computes with zeros.

    A budget below what is closed already reopens gates just above the closing point.

    Args:
        model: A model with gates, or, without a cut, any.
        cut: Where its gates are cut off; None leaves them as they are.

    Returns:
        Which gates are closed, shape ``(num_gates,)``; None for a model without gates.

    Raises:
        ModelError: If the model has no gates, but some are to be closed.
    """
    if not hasattr(model, GATES_NAME):
        if cut is None:
            return None
        raise ModelError("This model has no gates that a threshold or budget could close.")
    gates = gates_of(model)
    closed = closed_by(gates, cut)
    if cut is not None:
        gates.close_exactly(closed)
    return closed


def closed_by(gates: Gates, cut: Cut | None) -> np.ndarray:
    """Which gates a cut closes, shape ``(num_gates,)``; without one, those that are closed."""
    if cut is None:
        return gates.closed_array()
    return gates_to_prune(gates.layout, gates.law, gates.means_array(), cut)


def activation_of(model: PreTrainedModel) -> Callable[[Tensor], Tensor]:
    """What a model's neurons compute of their input."""
    names = ("hidden_activation", "hidden_act", "activation")
    return ACT2FN[next(filter(None, (getattr(model.config, name, None) for name in names)))]


def _assembled(
    plain: PreTrainedModel, plans: list[LayerPlan], needs: list[Needs], tensors: Tensors
) -> Shrunk:
    kind = shrunk_class(plain)
    width = len(next(layer_norms(plain)).weight)  # type: ignore[arg-type]
    with torch.device("meta"):
        model = kind(shrunk_config(plain.config, kind, plans, needs, width))
    dtype, kept = plain.dtype, plain.state_dict()
    state = {name: tensors[name] if name in tensors else kept[name] for name in model.state_dict()}
    state = {name: t.to(dtype) if t.is_floating_point() else t for name, t in state.items()}
    return filled(model, state, plain)


def filled(model: Model, state: dict[str, Tensor], plain: PreTrainedModel) -> Model:
    """A model that has no memory yet, with these tensors, and what is in no state from another."""
    model.load_state_dict(state, assign=True)
    for name, buffer in list(model.named_buffers()):
        if buffer.is_meta:  # in no state, as the numbers of the positions
            parent, _, last = name.rpartition(".")
            model.get_submodule(parent).register_buffer(last, plain.get_buffer(name), False)
    model.tie_weights()
    if plain.can_generate():
        model.generation_config = copy.deepcopy(plain.generation_config)
    return model.eval()
