"""Ours without a low-rank update: one budget over the whole model, reached exactly."""

from finegates.methods.method import TARGET_IS_REMOVED_WEIGHTS, Method

METHOD = Method(
    name="finegates",
    summary="Gates alone, one budget over the whole model; removes exactly what was asked for.",
    target_meaning=TARGET_IS_REMOVED_WEIGHTS,
    source="docs/LOG.md; Lagrangian after CoFi (arXiv 2204.00408)",
    settings={
        "gate_law": "gaussian",
        "gate_sampling_sigma": 0.1,
    },
)
