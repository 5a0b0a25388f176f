"""Full fine-tuning, then the smallest rows and columns are closed."""

from finegates.methods.method import MAGNITUDE, TARGET_IS_REMOVED_WEIGHTS, Method

METHOD = Method(
    name="magnitude-full",
    summary="Full fine-tuning, then the smallest rows and columns are closed; then recovery.",
    target_meaning=TARGET_IS_REMOVED_WEIGHTS,
    source="the usual practice",
    settings={
        "learning_rate": 1e-3,
    },
    gates=MAGNITUDE,
    adapter="full",
)
