"""The penalty of the first author's earlier code: pushes only vectors that are too open."""

from finegates.methods.method import TARGET_IS_CLOSED_PROBABILITY, Method

METHOD = Method(
    name="finegates-hinge",
    summary="A target for each gate vector, pushed from above only.",
    target_meaning=TARGET_IS_CLOSED_PROBABILITY,
    source="the authors' earlier code; constants of the GLUE script but a faster gate rate",
    settings={
        "penalty": "hinge",
        "penalty_weight": 50.0,
        "final_stretch_fraction": 0.0,
        "rounding": False,
        "gate_learning_rate": 1e-2,
    },
)
