"""The paper's variant without W_I and W_O: one gate vector on each of q, k, v, o."""

from finegates.methods.method import TARGET_IS_REMOVED_WEIGHTS, Method

METHOD = Method(
    name="finegates-attention",
    summary="The paper's variant without W_I, W_O: one gate vector on each of q, k, v, o.",
    target_meaning=TARGET_IS_REMOVED_WEIGHTS,
    source="arXiv 2412.12951, Table 4",
    settings={
        "gate_law": "gaussian",
        "gate_sampling_sigma": 0.1,
        "gate_sides": "out",
        "target_modules": ("q", "k", "v", "o"),
    },
)
