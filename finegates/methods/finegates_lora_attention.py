"""The paper's variant with LoRA and one gate vector on q, k, v, o, without W_I and W_O."""

from finegates.methods.method import TARGET_IS_REMOVED_WEIGHTS, Method

METHOD = Method(
    name="finegates+lora-attention",
    summary="The paper's variant: LoRA r = 8 and one gate vector on each of q, k, v, o.",
    target_meaning=TARGET_IS_REMOVED_WEIGHTS,
    source="arXiv 2412.12951, Table 4",
    settings={
        "gate_law": "gaussian",
        "gate_sampling_sigma": 0.1,
        "lora_rank": 8,
        "gate_sides": "out",
        "target_modules": ("q", "k", "v", "o"),
    },
)
