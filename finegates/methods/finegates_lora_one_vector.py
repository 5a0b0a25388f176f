"""The paper's variant with LoRA on all six matrices and one gate vector on each."""

from finegates.methods.method import TARGET_IS_REMOVED_WEIGHTS, Method

METHOD = Method(
    name="finegates+lora-one-vector",
    summary="The paper's variant: LoRA r = 8 on all six matrices, one gate vector on each.",
    target_meaning=TARGET_IS_REMOVED_WEIGHTS,
    source="arXiv 2412.12951, Table 4",
    settings={
        "gate_law": "gaussian",
        "gate_sampling_sigma": 0.1,
        "lora_rank": 8,
        "gate_sides": "out",
    },
)
