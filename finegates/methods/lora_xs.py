"""LoRA-XS: a trained r x r matrix between frozen singular vectors."""

from finegates.methods.method import dense

METHOD = dense(
    name="lora-xs",
    summary="A trained 25 x 25 matrix between frozen singular vectors; removes nothing.",
    source="arXiv 2405.17604",
    adapter="lora-xs",
    settings={
        "target_modules": ("q", "v", "o", "output"),
        "lora_rank": 25,
    },
)
