"""Full fine-tuning: every weight is trained."""

from finegates.methods.method import dense

METHOD = dense(
    name="full",
    summary="Full fine-tuning; removes nothing.",
    source="the baseline of arXiv 2412.12951, Table 2",
    adapter="full",
    settings={
        "learning_rate": 1e-3,
        "weight_decay": 0.01,
    },
)
