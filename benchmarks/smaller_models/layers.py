"""A dense classifier with some of another's layers, as a folder that plain transformers loads."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from finegates.models.architectures import architecture_of
from finegates.nn.model_parts import encoder_layers

FIRST, EVEN = "first", "even"


def kept_layers(which: str, count: int, of: int) -> list[int]:
    """Numbers of the layers that stay: the `FIRST`, or evenly spaced (`EVEN`) with both ends."""
    last = count - 1 if which == FIRST else of - 1
    return [int(number) for number in np.linspace(0, last, count).round()]


def save_layers(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, kept: Sequence[int], folder: Path
) -> None:
    """Takes a model's other layers out, in place, and saves it with its tokenizer."""
    architecture = architecture_of(model.config.model_type)
    parent, _, name = architecture.layers.rpartition(".")
    layers = encoder_layers(model)
    setattr(model.get_submodule(parent), name, nn.ModuleList([layers[i] for i in kept]))
    setattr(model.config, architecture.config_names["layers"], len(kept))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
