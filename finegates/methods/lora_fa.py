"""LoRA-FA: the first factor frozen at random, from peft."""

from finegates.methods.method import dense

METHOD = dense(
    name="lora-fa",
    summary="LoRA with a frozen first factor (peft); removes nothing.",
    source="arXiv 2308.03303",
    adapter="lora-fa",
    settings={
        "target_modules": ("q", "v"),
        "lora_rank": 8,
    },
)
