"""VeRA: shared random factors, two trained vectors a matrix, from peft."""

from finegates.methods.method import dense

METHOD = dense(
    name="vera",
    summary="Shared random factors, two trained vectors a matrix (peft); removes nothing.",
    source="arXiv 2310.11454; rank 1024, the authors take 256 for RoBERTa-large",
    adapter="vera",
    settings={
        "target_modules": ("q", "v"),
        "lora_rank": 1024,
        "adapter_learning_rate": 0.01,
    },
)
