"""Where a model's time goes on this machine: the table that a budget of time is counted with.

A model of one layer is timed as it is, without its attention, without its feed-forward sublayer and
without both, and one of two layers without any: their differences are what each part takes. Weights
are random, which decides no time; each pass is timed next to the others.
"""

import copy
import statistics
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedConfig, PreTrainedModel

from finegates.gates.counting import LayerTimes
from finegates.gates.laws import GaussianLaw
from finegates.measuring.candidates import pad_somehow, random_inputs
from finegates.measuring.timing import Pass, interleaved
from finegates.models.architectures import architecture_of
from finegates.nn.attach import attach_gates
from finegates.nn.model_parts import model_of
from finegates.shrinking.shrink import shrink

_REPEATS = 7
_CLOSED = {"whole": (), "no attention": (0,), "no ffn": (1,), "nothing": (0, 1)}
"""Which sublayers of a layer are closed."""


def layer_times(
    config: PreTrainedConfig,
    device: str = "cpu",
    *,
    batch_size: int = 32,
    length: int = 128,
    repeats: int = _REPEATS,
    language_model: bool = False,
) -> LayerTimes:
    """Times the parts of a dense model of this config in float32; takes seconds.

    Args:
        config: Of a supported model.
        device: As torch names it.
        batch_size: Rows of a pass.
        length: Tokens of a row.
        repeats: Rounds; of each time the median is taken.
        language_model: Whether it has the head of a causal language model, not a classifier's.
    """
    architecture = architecture_of(config.model_type)
    one, two = (_with_layers(config, number, language_model) for number in (1, 2))
    models: dict[str, Any] = {name: _without(one, closed) for name, closed in _CLOSED.items()}
    models["two of nothing"] = _without(two, (0, 1))
    for model in models.values():
        model.to(torch.device(device)).eval()
    inputs = random_inputs(models["whole"], batch_size, length)
    passes: dict[str, Pass] = {
        name: lambda m=model: m(**inputs)  # type: ignore[misc]
        for name, model in models.items()
    }
    times = interleaved(passes, repeats, device)
    seconds = {name: statistics.median(values) for name, values in times.items()}
    rest = max(seconds["two of nothing"] - seconds["nothing"], 0.0)
    return LayerTimes(
        attention=max(seconds["whole"] - seconds["no attention"], 0.0),
        feed_forward=max(seconds["whole"] - seconds["no ffn"], 0.0),
        rest=rest,
        outside=max(seconds["nothing"] - rest, 0.0),
        num_layers=architecture.size(config.to_dict(), "layers"),
        device=device,
        batch_size=batch_size,
        length=length,
    )


def _with_layers(config: PreTrainedConfig, number: int, language_model: bool) -> PreTrainedModel:
    small = copy.deepcopy(config)
    pad_somehow(small)
    setattr(small, architecture_of(config.model_type).config_names["layers"], number)
    return model_of(small, language_model=language_model)


def _without(model: PreTrainedModel, closed: tuple[int, ...]) -> PreTrainedModel:
    """Without a sublayer, 0 for attention and 1 for the feed-forward one, in each layer."""
    gated = copy.deepcopy(model)
    gates = attach_gates(gated, GaussianLaw(), units=("sublayers",))
    every_layer = np.isin(np.arange(gates.layout.num_gates) % 2, closed)
    gates.close_exactly(every_layer)
    return shrink(gated)
