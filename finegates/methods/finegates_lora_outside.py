"""The low-rank update outside the gates, as the text of the paper can be read."""

from finegates.methods.method import TARGET_IS_REMOVED_WEIGHTS, Method

METHOD = Method(
    name="finegates+lora-outside",
    summary="Low-rank update outside the gates: it adds to closed outputs too, so they stay.",
    target_meaning=TARGET_IS_REMOVED_WEIGHTS,
    source="arXiv 2412.12951, section 3 as it can be read",
    settings={
        "gate_law": "gaussian",
        "gate_sampling_sigma": 0.1,
        "lora_rank": 8,
        "lora_place": "outside",
    },
)
