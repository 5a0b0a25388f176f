"""Trained parameters of every configuration in the paper, by formula, from a model's sizes alone.

Classifier head and biases are not counted, as in the trained-parameter column of arXiv 2412.12951.
"""

from collections.abc import Mapping
from typing import Any

from finegates.architectures import layout_of_config
from finegates.layout import GateLayout

ATTENTION_ROLES = ("q", "k", "v", "o")
LORA_RANK = 8
LORA_XS_RANK = 25
VERA_RANK = 1024
VERA_RANK_OF_WIDE_MODELS = 256
_WIDE = 1024


def parameter_table(config: Mapping[str, Any]) -> dict[str, Any]:
    """Counts for a model of this config.

    Args:
        config: The content of a config.json.

    Returns:
        ``num_gated_weights`` and ``rows``, each with ``configuration`` and ``trainable_params``.

    Raises:
        ModelError: If the model type is not supported.
    """
    both = layout_of_config(config)
    one = layout_of_config(config, sides="out")
    attention = layout_of_config(config, ATTENTION_ROLES, sides="out")
    query_value = layout_of_config(config, ("q", "v"))
    counts = {
        "finegates: gates on inputs and outputs of all six matrices": both.num_gates,
        "finegates w/o W_I, W_O: one gate vector on each of q, k, v, o": attention.num_gates,
        "LoRA r=8 on all six + one gate vector on each": low_rank(one) + one.num_gates,
        "LoRA r=8 on q, k, v, o + one gate vector on each": (
            low_rank(attention) + attention.num_gates
        ),
        "LoRA r=8 on q, v": low_rank(query_value),
        f"VeRA r={vera_rank(query_value)} on q, v": vera(query_value),
        "LoRA-XS r=25 on q, v, attention output, FFN output": (
            LORA_XS_RANK**2 * len(layout_of_config(config, ("q", "v", "o", "output")).matrices)
        ),
    }
    rows = [{"configuration": k, "trainable_params": v} for k, v in counts.items()]
    return {"num_gated_weights": both.num_gated_weights, "rows": rows}


def low_rank(layout: GateLayout, rank: int = LORA_RANK) -> int:
    """Parameters of a low-rank update of each matrix: ``r (in + out)``."""
    return sum(rank * (m.in_features + m.out_features) for m in layout.matrices)


def vera(layout: GateLayout) -> int:
    """Parameters of VeRA: one vector of the outputs and one of the rank for each matrix."""
    return sum(m.out_features + vera_rank(layout) for m in layout.matrices)


def vera_rank(layout: GateLayout) -> int:
    """The authors' rank: 1024 for RoBERTa-base, 256 for RoBERTa-large."""
    wide = layout.matrices[0].in_features >= _WIDE
    return VERA_RANK_OF_WIDE_MODELS if wide else VERA_RANK
