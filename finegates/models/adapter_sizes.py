"""Trained parameters of tensor trains and of experts, by formula. Loads no torch."""

from collections.abc import Mapping
from typing import Any

from finegates.gates.layout import GateLayout
from finegates.models.architectures import layout_of_config
from finegates.models.tensor_trains import tensor_train_params

LORA_RANK = 8
TENSOR_TRAIN_RANK = 5
LORETTA_WIDTH = 64
"""These as in LoRETTA's package (github.com/yifanycc/loretta, commit c66bbb3)."""
ADAMIX_EXPERTS = 4
ADAMIX_WIDTH = 16
"""Both as in AdaMix's script for RoBERTa-large on MNLI (github.com/microsoft/AdaMix, commit
d361e9d). The paper's text has 48 there; its own count of 0.8M is that of 16."""


def loretta_adp(layout: GateLayout, width: int, rank: int) -> int:
    """Parameters of an adapter after each matrix: two tensor trains, biases of both widths."""
    widths = [m.out_features for m in layout.matrices]
    return sum(2 * tensor_train_params(w, width, rank) + width + w for w in widths)


def loretta_rep(layout: GateLayout, lora_rank: int, rank: int) -> int:
    """Parameters of two tensor trains in the place of each matrix's A and B."""
    return sum(
        tensor_train_params(m.in_features, lora_rank, rank)
        + tensor_train_params(lora_rank, m.out_features, rank)
        for m in layout.matrices
    )


def adamix(layout: GateLayout, width: int, experts: int) -> int:
    """Parameters of an adapter after each matrix: M weights and biases down, one of each up.

    With one expert this is what is left of it once its experts are averaged.
    """
    widths = [m.out_features for m in layout.matrices]
    return sum(experts * (w * width + width) + width * w + w for w in widths)


def adamix_lora(layout: GateLayout, rank: int, experts: int) -> int:
    """Parameters of LoRA with M times A and one B: ``r (M in + out)`` for each matrix."""
    return sum(rank * (experts * m.in_features + m.out_features) for m in layout.matrices)


def adapter_counts(config: Mapping[str, Any]) -> dict[str, int]:
    """Rows of `finegates.models.parameters.parameter_table`: the authors' sizes, norms left out."""
    query_value = layout_of_config(config, ("q", "v"))
    output = layout_of_config(config, ("output",))
    after_both = layout_of_config(config, ("o", "output"))
    return {
        "LoRETTA adapters 64 wide, tensor-train rank 5, after attention and FFN output": (
            loretta_adp(after_both, LORETTA_WIDTH, TENSOR_TRAIN_RANK)
        ),
        "LoRETTA r=8, tensor-train rank 5, on q, v": (
            loretta_rep(query_value, LORA_RANK, TENSOR_TRAIN_RANK)
        ),
        "AdaMix 16 wide after FFN output, its 4 experts as trained": (
            adamix(output, ADAMIX_WIDTH, ADAMIX_EXPERTS)
        ),
        "AdaMix 16 wide after FFN output, its experts averaged, as kept": (
            adamix(output, ADAMIX_WIDTH, experts=1)
        ),
        "AdaMix LoRA r=8 on q, v, its 4 experts as trained": (
            adamix_lora(query_value, LORA_RANK, ADAMIX_EXPERTS)
        ),
        "AdaMix LoRA r=8 on q, v, its experts averaged, as kept": (
            adamix_lora(query_value, LORA_RANK, experts=1)
        ),
    }
