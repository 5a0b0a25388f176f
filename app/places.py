"""Where each page is, below app/: for links, for switching, and for tests."""

PLACES = {
    "runs": "runs/page.py",
    "data": "data/page.py",
    "compare": "compare/page.py",
    "tradeoff": "tradeoff/page.py",
    "paper": "paper/page.py",
    "live": "live/page.py",
    "dimensions": "dimensions/page.py",
    "prune": "prune/page.py",
    "new_run": "new/run_page.py",
    "new_sweep": "new/sweep_page.py",
}
