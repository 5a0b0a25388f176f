"""Methods as lists show them: what removes weights first, dense baselines after, each with a word
on what it is.
"""

from finegates.methods import DEFAULT_METHOD, METHODS
from finegates.methods.method import LEARNED, MAGNITUDE, NO_GATES

KINDS = {
    LEARNED: ("Gates", "learns which rows and columns to close"),
    MAGNITUDE: ("Magnitude", "closes the smallest rows and columns"),
    NO_GATES: ("Dense", "removes nothing; a baseline to compare with"),
}
"""Where the order of rows and columns comes from -> name of the group, and what it does."""

SUMMARY_OF_KINDS = "  \n".join(f"**{name}**: {meaning}." for name, meaning in KINDS.values())


def ordered() -> list[str]:
    """Every method: the default first, then group by group."""
    groups = list(KINDS)
    places = {name: place for place, name in enumerate(METHODS)}
    return sorted(
        METHODS,
        key=lambda m: (m != DEFAULT_METHOD, groups.index(METHODS[m].gates), places[m]),
    )


def with_summary(name: str) -> str:
    """``"full"`` -> ``"Dense · full: Full fine-tuning; removes nothing."``"""
    return f"{KINDS[METHODS[name].gates][0]} · {name}: {METHODS[name].summary}"


def explained(names: list[str]) -> str:
    """One line for each method, for help on hover."""
    return "  \n".join(f"**{name}**: {METHODS[name].summary}" for name in names)
