"""The dense baselines: they remove nothing."""

from collections.abc import Mapping
from typing import Any

from finegates.methods.method import NO_GATES, TARGET_IS_NOTHING, Method


def dense(
    name: str,
    summary: str,
    source: str,
    settings: Mapping[str, Any],
    adapter: str = "",
    merges: bool = True,
) -> Method:
    """A baseline that removes nothing; its adapter has its name unless another is given."""
    nothing = {"target_sparsity": 0.0, "rounding": False, "final_stretch_fraction": 0.0}
    return Method(
        name, summary, source, {**nothing, **settings}, TARGET_IS_NOTHING, NO_GATES,
        adapter or name, merges,
    )  # fmt: skip


DENSE = (
    dense(
        name="full",
        summary="Full fine-tuning; removes nothing.",
        source="the baseline of arXiv 2412.12951, Table 2",
        settings={"learning_rate": 1e-3, "weight_decay": 0.01},
    ),
    dense(
        name="lora",
        summary="LoRA r = 8 on q and v (peft); removes nothing.",
        source="arXiv 2106.09685; ranks of arXiv 2412.12951, Table 2",
        settings={"target_modules": ("q", "v"), "lora_rank": 8},
    ),
    dense(
        name="lora-fa",
        summary="LoRA with a frozen first factor (peft); removes nothing.",
        source="arXiv 2308.03303",
        settings={"target_modules": ("q", "v"), "lora_rank": 8},
    ),
    dense(
        name="vera",
        summary="Shared random factors, two trained vectors a matrix (peft); removes nothing.",
        source="arXiv 2310.11454; rank 1024, the authors take 256 for RoBERTa-large",
        settings={"target_modules": ("q", "v"), "lora_rank": 1024, "adapter_learning_rate": 0.01},
    ),
    dense(
        name="lora-xs",
        summary="A trained 25 x 25 matrix between frozen singular vectors; removes nothing.",
        source="arXiv 2405.17604",
        settings={"target_modules": ("q", "v", "o", "output"), "lora_rank": 25},
    ),
    dense(
        name="sparta",
        summary="Trains 1% of the entries of v and o, chosen at random; removes nothing.",
        source="arXiv 2502.15975",
        settings={"target_modules": ("v", "o")},
    ),
    dense(
        name="compacter",
        summary="Hypercomplex adapters after attention and feed-forward; removes nothing.",
        source="arXiv 2106.04647",
        settings={
            "target_modules": ("o", "output"),
            "adapter_learning_rate": 0.003,
            "train_layer_norms": True,
        },
        merges=False,
    ),
    dense(
        name="compacter++",
        summary="Hypercomplex adapters after the feed-forward alone; removes nothing.",
        source="arXiv 2106.04647",
        settings={
            "target_modules": ("output",),
            "adapter_learning_rate": 0.003,
            "train_layer_norms": True,
        },
        adapter="compacter",
        merges=False,
    ),
)
