"""Recipes that imitate a fine-tuned model, and runs of them that have none to imitate."""

from finegates.methods import METHODS
from finegates.spec import RunSpec


def told_of_no_teacher(spec: RunSpec) -> str:
    """What a run is to be told of whose method is made for a teacher; empty if it has one."""
    if spec.teacher or not METHODS[spec.method].taught:
        return ""
    return (
        f"'{spec.method}' imitates a model that is fine-tuned already, and this run has none: it "
        "learns from the labels alone. Name one with start_from, which is its teacher then."
    )
