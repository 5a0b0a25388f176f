"""Which class a smaller model has, and which of transformers' Auto classes loads it."""

from typing import Any

from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    PreTrainedModel,
)

from finegates.errors import ModelError
from finegates.shrinking.decoder_models import BASE, DECODERS, LANGUAGE_MODEL
from finegates.shrinking.models import MODELS, Shrunk

CLASSES: tuple[type[Shrunk], ...] = (*MODELS.values(), *DECODERS)
"""Every class of a shrunk model."""


def shrunk_class(model: PreTrainedModel) -> type[Shrunk]:
    """The class of the smaller models of a dense one.

    Raises:
        ModelError: If there is none.
    """
    for kind in CLASSES:
        if kind.__bases__[-1] is type(model) and not kind.__name__.endswith(BASE):
            return kind
    raise ModelError(
        f"A {type(model).__name__} can't be made smaller; classifiers can, and causal language "
        "models of decoders."
    )


def auto_class(kind: type[Shrunk]) -> Any:
    """The Auto class that loads a class of shrunk models."""
    if kind.__name__.endswith(LANGUAGE_MODEL):
        return AutoModelForCausalLM
    return AutoModel if kind.__name__.endswith(BASE) else AutoModelForSequenceClassification
