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
    sparse: bool = False,
) -> Method:
    """A baseline that removes nothing; its adapter has its name unless another is given."""
    nothing = {"target_sparsity": 0.0, "rounding": False, "final_stretch_fraction": 0.0}
    return Method(
        name, summary, source, {**nothing, **settings}, TARGET_IS_NOTHING, NO_GATES,
        adapter or name, merges, sparse,
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
        sparse=True,
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
    dense(
        name="ether",
        summary="Inputs of q and v reflected at a trained hyperplane (peft); removes nothing.",
        source="arXiv 2405.20271, rate of its language models",
        settings={"target_modules": ("q", "v"), "adapter_learning_rate": 1e-3},
    ),
    dense(
        name="ether+",
        summary="Inputs and outputs of q and v turned by two vectors a side; removes nothing.",
        source="arXiv 2405.20271, rate of its language models; one block a side",
        settings={"target_modules": ("q", "v"), "adapter_learning_rate": 1e-3},
    ),
    dense(
        name="melora",
        summary="Two small LoRA of r = 8 on the diagonal of q and v; removes nothing.",
        source="arXiv 2402.17263; sizes of github.com/ChasonShi/MELoRA",
        settings={"target_modules": ("q", "v"), "lora_rank": 8, "melora_blocks": 2},
    ),
    dense(
        name="polar",
        summary="Low-rank updates between orthonormal factors, r = 8; removes nothing.",
        source="arXiv 2506.03133; sizes of github.com/kcc-lion/polar, without its weight decay",
        settings={"lora_rank": 8, "lora_alpha": 8.0, "adapter_learning_rate": 1e-3},
    ),
    dense(
        name="lorta",
        summary="One tensor of rank 4 updates q, k, v and o of all layers; removes nothing.",
        source="arXiv 2410.04060; sizes of github.com/ihounie/lorta",
        settings={
            "target_modules": ("q", "k", "v", "o"),
            "lora_rank": 4,
            "lora_alpha": 1.0,
            "adapter_learning_rate": 0.01,
        },
    ),
    dense(
        name="loretta-adp",
        summary="Adapters of tensor trains after attention and feed-forward; removes nothing.",
        source="arXiv 2402.11417; starts at zero, and trains the layers' norms",
        settings={
            "target_modules": ("o", "output"),
            "bottleneck_width": 64,
            "train_layer_norms": True,
        },
        merges=False,
    ),
    dense(
        name="loretta-rep",
        summary="LoRA r = 8 on q and v with factors of tensor trains; removes nothing.",
        source="arXiv 2402.11417; starts at zero, and trains the layers' norms",
        settings={"target_modules": ("q", "v"), "lora_rank": 8, "train_layer_norms": True},
    ),
    dense(
        name="adamix",
        summary="Adapters after the feed-forward, 4 experts that become one; removes nothing.",
        source="arXiv 2205.12410; sizes of the authors' script for RoBERTa-large on MNLI",
        settings={"target_modules": ("output",)},
        merges=False,
    ),
    dense(
        name="adamix-lora",
        summary="LoRA r = 8 on q and v, 4 experts of A that become one; removes nothing.",
        source="arXiv 2205.12410; the authors have it for GPT-2 alone",
        settings={"target_modules": ("q", "v"), "lora_rank": 8},
    ),
    dense(
        name="sara",
        summary="Trains the 1% of all entries that are smallest; removes nothing.",
        source="arXiv 2409.06633; chosen by a budget, not a threshold; the rate is ours",
        settings={"adapter_learning_rate": 1e-3, "weight_decay": 0.0},
        sparse=True,
    ),
    dense(
        name="dynamic-subset",
        summary=(
            "Trains all entries and sets all but 1% back after each step, at the memory of full "
            "fine-tuning; removes nothing."
        ),
        source="arXiv 2411.08610; distance, ties and rate are ours",
        settings={"adapter_learning_rate": 1e-3, "weight_decay": 0.0},
        sparse=True,
    ),
    dense(
        name="shears",
        summary=(
            "Half of the weights of each row become 0, then LoRA of a rank drawn at each step "
            "mends; removes nothing: zeros make no product faster."
        ),
        source="arXiv 2404.10934; masked as SQFT's SparsePEFT",
        settings={
            "target_modules": ("q", "k", "v", "intermediate", "output"),
            "lora_rank": 32,
            "lora_alpha": 64.0,
        },
    ),
)
