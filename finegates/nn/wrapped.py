"""A Linear with something around it."""

from torch import Tensor, nn


class WrappedLinear(nn.Module):
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
