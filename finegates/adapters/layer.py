"""A Linear with an adapter: what every adapter of ours answers."""

import copy
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from finegates.errors import ModelError
from finegates.gates.layout import GateLayout
from finegates.nn.model_parts import locate
from finegates.nn.wrapped import WrappedLinear


class SharedFactors(nn.Module):
    """Parameters that all layers of an adapter read: the model owns them until it is merged."""


class AdapterLayer(WrappedLinear):
    """A Linear with an adapter."""

    def weight_change(self) -> Tensor:
        """What the adapter adds to the base weight, shape ``(out_features, in_features)``.

        Raises:
            ModelError: If the adapter is not linear.
        """
        raise NotImplementedError

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """A new Linear that computes what this layer does.

        Raises:
            ModelError: If the adapter is not linear.
        """
        change = self.weight_change()
        linear = copy.deepcopy(self.base_layer)
        linear.weight += change
        return linear


class NonlinearAdapter(AdapterLayer):
    """An adapter that can't be folded into its matrix.

    Attributes:
        technique: Its name, for the message.
    """

    technique: str

    def weight_change(self) -> Tensor:
        """Never.

        Raises:
            ModelError: Always.
        """
        raise ModelError(
            f"A {self.technique} adapter is not linear, so it can't be folded into its matrix; use "
            "the model with its adapters, or train with lora, vera, lora-xs or sparta instead."
        )


Layer = TypeVar("Layer", bound=AdapterLayer)


def wrap_matrices(
    model: PreTrainedModel, layout: GateLayout, make: Callable[[nn.Linear], Layer]
) -> list[Layer]:
    """Puts a new layer around every matrix of a layout, in the layout's order.

    Args:
        model: Changed in place.
        layout: Which matrices.
        make: Base Linear -> layer; the layer goes to the base's device and mode.
    """
    layers = []
    for matrix in layout.matrices:
        parent, name = locate(model, matrix)
        base = getattr(parent, name)
        layers.append(make(base).to(base.weight.device).train(base.training))
        setattr(parent, name, layers[-1])
    return layers
