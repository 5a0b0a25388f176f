"""Whether a label is a class or a number to predict: guessed, with the reason, or asked."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from finegates.data.cells import MOSTLY, cells_of, decimal_of, numbers_of
from finegates.data.formats import COMMA
from finegates.data.names import name_words

MAX_CLASSES = 200
MANY_VALUES = 20
"""More distinct numbers than this are a quantity, unless their name says that they are classes."""
FEW_FRACTIONS = 6
"""From so many distinct values on, numbers with fractions are a quantity."""
GRADES = 5
"""From so many distinct whole numbers on, a score may be meant as a quantity."""
_QUANTITIES = (
    "score scores rating ratings stars similarity price amount value age length grade points "
    "relevance quality polarity valence arousal count number percent bewertung note preis"
)
_KINDS = (
    "label labels class classes category categories intent intents topic topics department type "
    "kind group target tag genre language kategorie klasse"
)
QUANTITIES, KINDS = {*_QUANTITIES.split()}, {*_KINDS.split()}
"""Words in the names of numbers to predict, and of classes."""


@dataclass(frozen=True)
class Problem:
    """What a label is.

    Attributes:
        kind: ``"classification"`` or ``"regression"``.
        reason: One sentence.
        question: Why it could be the other too; empty if it is plain.
        decimal: What its numbers have before their fraction: ``"point"`` or ``"comma"``.
    """

    kind: str
    reason: str
    question: str
    decimal: str


def guess_problem(label: pd.Series, decimal: str = "auto") -> Problem:
    """A number to predict if most cells are numbers, with many values or with fractions.

    Args:
        label: The column, or rows of it drawn at random.
        decimal: As in `RunSpec`.
    """
    decimal = decimal_of(label) if decimal == "auto" else decimal
    filled = cells_of(label) != ""
    numbers = numbers_of(label[filled], decimal)
    numbers = numbers[np.isfinite(numbers)]
    name, values = f"'{label.name}'", int(numbers.nunique())
    if not len(numbers) or len(numbers) < MOSTLY * filled.sum():
        distinct = cells_of(label[filled]).nunique()
        reason = f"{name} holds words, {distinct:,} different ones: classes."
        return Problem("classification", reason, "", decimal)
    with_comma = ", written with a decimal comma" if decimal == COMMA else ""
    about = f"{name} holds {values:,} different numbers, {_range(numbers)}{with_comma}"
    kind, sure = _kind(numbers, name_words(label.name))
    what = {"regression": "a number to predict", "classification": "classes"}
    reason = f"{about}: {what[kind]}."
    other = "classification" if kind == "regression" else "regression"
    question = f"{reason} They could be {what[other]} as well; then set problem={other}."
    return Problem(kind, reason, "" if sure else question, decimal)


def _range(numbers: pd.Series) -> str:
    whole = "" if (numbers % 1 != 0).any() else "whole ones, "
    return f"{whole}from {numbers.min():g} to {numbers.max():g}"


def _kind(numbers: pd.Series, words: set[str]) -> tuple[str, bool]:
    """The problem, and whether it can't be the other."""
    values, fractions = numbers.nunique(), bool((numbers % 1 != 0).any())
    often = values > len(numbers) / 2
    if fractions and values < FEW_FRACTIONS and not often:
        return "classification", False
    if fractions:
        return "regression", values > MANY_VALUES or often
    if values <= MANY_VALUES:
        return "classification", values < GRADES or not words & QUANTITIES
    if words & KINDS and not words & QUANTITIES and _numbered(numbers):
        return "classification", False
    return "regression", values > MAX_CLASSES or often


def _numbered(numbers: pd.Series) -> bool:
    """Whether they count classes from 0 or 1 without a gap, each with several rows."""
    counts = numbers.value_counts()
    low, high = numbers.min(), numbers.max()
    return low in (0, 1) and high - low + 1 == len(counts) <= MAX_CLASSES and counts.min() > 1
