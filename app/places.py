"""Where each page is, below app/: for links, for switching, and for tests."""

RUNS = "runs/page.py"
HOW_SMALL = "how_small/page.py"
DATA = "data/page.py"
COMPARE = "compare/page.py"
TRADEOFF = "tradeoff/page.py"
PAPER = "paper/page.py"
METHODS = "methods/page.py"
LIVE = "live/page.py"
DIMENSIONS = "dimensions/page.py"
PRUNE = "prune/page.py"
NEW_RUN = "new/run_page.py"
NEW_SWEEP = "new/sweep_page.py"

PLACES = {
    "runs": RUNS, "data": DATA, "compare": COMPARE, "tradeoff": TRADEOFF, "paper": PAPER,
    "live": LIVE, "dimensions": DIMENSIONS, "prune": PRUNE, "new_run": NEW_RUN,
    "new_sweep": NEW_SWEEP, "how_small": HOW_SMALL, "methods": METHODS,
}  # fmt: skip
"""Address of a page -> its script."""
