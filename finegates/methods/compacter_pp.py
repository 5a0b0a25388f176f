"""Compacter++: hypercomplex adapters after the feed-forward alone."""

from finegates.methods.method import dense

METHOD = dense(
    name="compacter++",
    summary="Hypercomplex adapters after the feed-forward alone; removes nothing.",
    source="arXiv 2106.04647",
    adapter="compacter",
    settings={
        "target_modules": ("output",),
        "adapter_learning_rate": 0.003,
        "train_layer_norms": True,
    },
)
