"""A Linear with an adapter: what every layer of ours that wraps a Linear answers."""

import copy
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from finegates.gates.layout import GateLayout
from finegates.nn.model_parts import locate


class AdapterLayer(nn.Module):
    """A wrapped Linear that looks like one from outside.

    Attributes:
        base_layer: The wrapped Linear; it is never written to.
    """

    def __init__(self, base_layer: nn.Linear) -> None:
        super().__init__()
        self.base_layer = base_layer

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


Layer = TypeVar("Layer", bound=AdapterLayer)


def wrap_matrices(
    model: PreTrainedModel, layout: GateLayout, make: Callable[[nn.Linear], Layer]
) -> list[Layer]:
    """Puts a new layer around every matrix of a layout, in the layout's order.

    Args:
        model: Changed in place.
        layout: Which matrices.
        make: Base Linear -> layer; the layer goes to the base's device.
    """
    layers = []
    for matrix in layout.matrices:
        parent, name = locate(model, matrix)
        base = getattr(parent, name)
        layers.append(make(base).to(base.weight.device))
        setattr(parent, name, layers[-1])
    return layers
