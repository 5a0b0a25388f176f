"""Ours, the default: a low-rank update inside the gates merges, and shrinks with its matrix."""

from finegates.methods.method import TARGET_IS_REMOVED_WEIGHTS, Method

METHOD = Method(
    name="finegates+lora",
    summary="Gates with a low-rank update (r = 8) inside; removes exactly what was asked for.",
    target_meaning=TARGET_IS_REMOVED_WEIGHTS,
    source="arXiv 2412.12951, equation 8 and Figure 1",
    settings={
        "gate_law": "gaussian",
        "gate_sampling_sigma": 0.1,
        "lora_rank": 8,
        "target_delay_fraction": 0.2,  # else gates may close before the task is learned
    },
)
