"""How fast the rotary pairs of a decoder's heads turn: fast ones tell order, slow ones content."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from finegates.errors import ModelError
from finegates.models.architectures import architecture_of, is_decoder_type

_THETA = 10_000.0
"""Where a config does not say it: as Llama 1 and 2."""


def wavelengths(config: Mapping[str, Any]) -> np.ndarray | None:
    """In how many tokens the angle of each pair of a head turns once, ``2 pi theta^(2i / d)``.

    Args:
        config: Content of a config.json, as transformers 4 or 5 writes it.

    Returns:
        Shape ``(num_layers, d / 2)``; NaN in layers that rotate nothing. None of an encoder, and
        where angles are scaled in another way than by theta.
    """
    if not is_decoder_type(config.get("model_type")):
        return None
    architecture = architecture_of(str(config["model_type"]))
    try:
        layers, width = (architecture.size(config, what) for what in ("layers", "head_width"))
    except ModelError:
        return None
    thetas = [_theta(config, layer) for layer in range(layers)]
    if None in thetas:
        return None
    exponents = np.arange(width // 2) * 2 / width
    waves = 2 * math.pi * np.array(thetas, dtype=float)[:, None] ** exponents
    rotated = config.get("no_rope_layers") or [1] * layers  # 1 where a layer rotates
    waves[[not flag for flag in rotated[:layers]]] = np.nan
    return waves


def _theta(config: Mapping[str, Any], layer: int) -> float | None:
    """Of one layer; None if more than it shapes the angles."""
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    kinds = config.get("layer_types") or []
    if kinds and isinstance(rope.get(kinds[layer]), dict):
        rope = rope[kinds[layer]]
    if rope.get("rope_type", rope.get("type", "default")) != "default":
        return None
    theta = rope.get("rope_theta", config.get("rope_theta", _THETA))
    if config.get("partial_rotary_factor", 1) != 1 or rope.get("partial_rotary_factor", 1) != 1:
        return None
    return float(theta)
