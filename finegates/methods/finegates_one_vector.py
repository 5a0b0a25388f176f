"""The paper's variant with one gate vector a matrix, on its outputs."""

from finegates.methods.method import TARGET_IS_REMOVED_WEIGHTS, Method

METHOD = Method(
    name="finegates-one-vector",
    summary="The paper's variant with one gate vector a matrix, on its outputs.",
    target_meaning=TARGET_IS_REMOVED_WEIGHTS,
    source="arXiv 2412.12951, Table 4",
    settings={
        "gate_law": "gaussian",
        "gate_sampling_sigma": 0.1,
        "gate_sides": "out",
    },
)
