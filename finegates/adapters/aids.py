"""What a model carries while it is trained, and answers without."""

from torch import nn
from transformers import PreTrainedModel


class Aid(nn.Module):
    """A part that only training needs: no answer depends on it, and no finished model has it."""


def drop_aids(model: PreTrainedModel) -> None:
    """Takes every aid off a model, in place."""
    for name, child in list(model.named_children()):
        if isinstance(child, Aid):
            delattr(model, name)
