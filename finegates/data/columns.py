"""Which columns of a user's table are text, second text and label: named, or guessed."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from finegates.data.cells import cells_of, is_number, numbers_of
from finegates.errors import DataError, unknown_name

MAX_CLASSES = 200
MANY_VALUES = 20
"""More distinct fractional numbers than this are a score, not classes."""
COLUMNS_SHOWN = 20
GUESS_ROWS = 20_000
"""At most this many rows are looked at to guess what a column holds."""
TEXT_NAMES = (
    "text sentence sentence1 review content message comment body document premise question "
    "question1 text1 text_a query title"
)
PAIR_NAMES = {
    "sentence1": "sentence2",
    "premise": "hypothesis",
    "question1": "question2",
    "question": "sentence passage context answer",
    "text1": "text2",
    "text_a": "text_b",
    "query": "document passage",
}
LABEL_NAMES = (
    "label labels gold_label class category target score rating stars sentiment is_duplicate "
    "similarity y"
)
"""As above: names separated by blanks, the likeliest first."""


@dataclass(frozen=True)
class Columns:
    """Which columns are learned from, and whether the label is a class or a number."""

    text: str
    pair: str | None
    label: str
    problem: str


def resolve_columns(
    frame: pd.DataFrame,
    text: str | None = None,
    pair: str | None = None,
    label: str | None = None,
    problem: str = "auto",
) -> Columns:
    """What the user named; the rest is guessed, by name first, then by content.

    A second text is only ever guessed by name, and only where the text is not named either.

    Args:
        frame: A file's rows.
        text: Column of the text.
        pair: Column of the second text.
        label: Column of the label.
        problem: ``"auto"``, ``"classification"`` or ``"regression"``.

    Raises:
        DataError: If a named column does not exist or is named twice, or none can be guessed.
    """
    named = [column for column in (text, pair, label) if column]
    for column in named:
        if column not in frame.columns:
            raise DataError(unknown_name("column", column, map(str, frame.columns), COLUMNS_SHOWN))
        if named.count(column) > 1:
            raise DataError(f"Column '{column}' was named twice. Name a column for each of them.")
    free = [column for column in frame.columns if column not in named]
    # Neither the first rows (files are often sorted) nor each n-th one (or alternate).
    some = frame.sample(min(len(frame), GUESS_ROWS), random_state=0)
    if not label:
        label = _guess_label(some, free, needs_text=not text)
        free.remove(label)
    if not text:
        text, guessed_pair = _guess_text(some, free)
        pair = pair or guessed_pair
    chosen = problem if problem != "auto" else _guess_problem(frame[label])
    return Columns(text, pair or None, label, chosen)


def _guess_label(frame: pd.DataFrame, free: list[str], needs_text: bool) -> str:
    by_name = _first_named(free, LABEL_NAMES.split())
    if by_name:
        return by_name
    texts = {_guess_text(frame, free)[0]} if needs_text and free else set()
    names = {column.lower() for column in free}
    texts |= {
        c for c in free if c.lower() in TEXT_NAMES.split() or _is_second_text(c.lower(), names)
    }
    counts = {c: cells_of(frame[c]).nunique() for c in free if c not in texts}
    classes = {c: n for c, n in counts.items() if 2 <= n <= min(MAX_CLASSES, len(frame) / 2)}
    if classes:
        return min(classes, key=lambda column: classes[column])
    for column in counts:
        if _guess_problem(frame[column]) == "regression":
            return column
    raise DataError(
        "No column looks like a label. Name it with label_column; the columns are "
        f"{', '.join(map(str, frame.columns[:COLUMNS_SHOWN]))}."
    )


def _is_second_text(column: str, names: set[str]) -> bool:
    return any(
        first in names and column in seconds.split() for first, seconds in PAIR_NAMES.items()
    )


def _guess_text(frame: pd.DataFrame, free: list[str]) -> tuple[str, str | None]:
    for first, seconds in PAIR_NAMES.items():
        text, pair = _first_named(free, [first]), _first_named(free, seconds.split())
        if text and pair:
            return text, pair
    by_name = _first_named(free, TEXT_NAMES.split())
    if by_name:
        return by_name, None
    lengths = {c: cells_of(frame[c]).str.len().median() for c in free if not is_number(frame[c])}
    if not lengths:
        raise DataError(
            "No column looks like text. Name it with text_column; the columns are "
            f"{', '.join(map(str, frame.columns[:COLUMNS_SHOWN]))}."
        )
    return max(lengths, key=lambda column: lengths[column]), None


def _first_named(free: list[str], names: Iterable[str]) -> str | None:
    lower = {str(column).lower(): column for column in reversed(free)}
    return next((lower[name] for name in names if name in lower), None)


def _guess_problem(label: pd.Series) -> str:
    """A number to predict if most cells are numbers, with many fractional values."""
    numbers = numbers_of(label)
    numbers = numbers[np.isfinite(numbers)]
    fractions = numbers[numbers % 1 != 0]
    values = numbers.nunique()
    many = values > MANY_VALUES or values > len(label) / 2
    # What decides at once is asked first: most labels are words or whole numbers.
    fractional = len(fractions) and many and is_number(label)
    return "regression" if fractional else "classification"
