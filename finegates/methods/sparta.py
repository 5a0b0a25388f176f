"""SpaRTA: a few entries of value and output matrices, chosen at random."""

from finegates.methods.method import dense

METHOD = dense(
    name="sparta",
    summary="Trains 1% of the entries of v and o, chosen at random; removes nothing.",
    source="arXiv 2502.15975",
    adapter="sparta",
    settings={
        "target_modules": ("v", "o"),
    },
)
