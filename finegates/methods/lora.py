"""LoRA on query and value, from peft."""

from finegates.methods.method import dense

METHOD = dense(
    name="lora",
    summary="LoRA r = 8 on q and v (peft); removes nothing.",
    source="arXiv 2106.09685; ranks of arXiv 2412.12951, Table 2",
    adapter="lora",
    settings={
        "target_modules": ("q", "v"),
        "lora_rank": 8,
    },
)
