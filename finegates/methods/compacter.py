"""Compacter: hypercomplex adapters after attention and feed-forward."""

from finegates.methods.method import dense

METHOD = dense(
    name="compacter",
    summary="Hypercomplex adapters after attention and feed-forward; removes nothing.",
    source="arXiv 2106.04647",
    adapter="compacter",
    settings={
        "target_modules": ("o", "output"),
        "adapter_learning_rate": 0.003,
        "train_layer_norms": True,
    },
)
