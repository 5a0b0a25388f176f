"""What the trade-off chart can be drawn across, and the kinds of curve it can show."""

from app.words import TERMS
from finegates.results.points import ROUNDED, THRESHOLDS, TRAINED

AXES = {
    "removed": ("Weights removed", TERMS["removed"]),
    "closed": ("Gates closed", TERMS["closed"]),
    "target": ("Target", TERMS["target"]),
    "macs": (
        "Multiply-accumulates saved",
        "Of those that a dense pass of 128 tokens needs: what the smaller model needs less.",
    ),
    "time": (
        "Time saved",
        "Measured, of the time of a dense pass: 50 % is twice as fast, below 0 is slower. The "
        "newest timing of each run at that very cut.",
    ),
}
"""Column -> its title and what it means. Each is a fraction."""
KNOWN_AXES = ("removed", "closed", "target")
"""Those that every finished run knows; the others are measured on the Prune page."""

KIND_NAMES = {
    TRAINED: "one training per target",
    ROUNDED: "one run, budgets",
    THRESHOLDS: "one run, thresholds",
}
