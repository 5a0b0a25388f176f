"""Which columns of a user's table are text, second text and label: named, or guessed."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import pandas as pd

from finegates.data.looks import ID_WORDS, Look, look_at, several_labels
from finegates.data.names import (
    LABEL_NAMES,
    LABEL_WORDS,
    PAIR_NAMES,
    TEXT_NAMES,
    TEXT_WORDS,
    name_words,
)
from finegates.data.problems import MANY_VALUES, MAX_CLASSES, guess_problem
from finegates.errors import DataError, unknown_name

COLUMNS_SHOWN = 20
GUESS_ROWS = 20_000
"""At most this many rows are looked at to guess what a column holds,"""
GUESS_CELLS = 2_000_000
"""and at most this many cells."""
NAMED, LAST, AFTER_TEXT, FEW = 40, 10, 3, 5
"""Points for a label: a word in its name, its place, at most `MANY_VALUES` values;"""
LONG, ID, AT_ODDS = -20, -20, -20
"""taken off for long cells, for ids of classes, and times the share of repeated texts that it
contradicts."""
LONG_CHARACTERS = 40
COMPARED = 6
"""Candidates that are compared with the text."""


@dataclass(frozen=True)
class Columns:
    """Which columns are learned from, and whether the label is a class or a number.

    Attributes:
        text: Column of the text.
        pair: Column of the second text, if there is one.
        label: Column of the label; None for a language model's texts.
        problem: ``"classification"``, ``"regression"`` or ``"causal-lm"``, whose ``text`` is the
            text, the prompt or the chat and whose ``pair`` is the answer to a prompt.
        decimal: What the label's numbers have before their fraction, ``"point"`` or ``"comma"``.
        reasons: ``"text"``, ``"pair"``, ``"label"`` or ``"problem"`` to why it was guessed.
        question: What could be meant otherwise and is better asked; empty if nothing.
    """

    text: str
    pair: str | None
    label: str | None
    problem: str
    decimal: str = "point"
    reasons: dict[str, str] = field(default_factory=dict, compare=False)
    question: str = field(default="", compare=False)


def resolve_columns(
    frame: pd.DataFrame,
    text: str | None = None,
    pair: str | None = None,
    label: str | None = None,
    problem: str = "auto",
    decimal: str = "auto",
) -> Columns:
    """What the user named; the rest is guessed, by name first, then by content.

    A second text is only ever guessed by name, and only where the text is not named either.

    Args:
        frame: A file's rows.
        text: Column of the text.
        pair: Column of the second text.
        label: Column of the label.
        problem: ``"auto"``, ``"classification"`` or ``"regression"``.
        decimal: ``"auto"``, ``"point"`` or ``"comma"``.

    Raises:
        DataError: If a named column does not exist or is named twice, or none can be guessed.
    """
    named = [column for column in (text, pair, label) if column]
    for column in named:
        if column not in frame.columns:
            raise DataError(unknown_name("column", column, map(str, frame.columns), COLUMNS_SHOWN))
        if named.count(column) > 1:
            raise DataError(f"Column '{column}' was named twice. Name a column for each of them.")
    some = _some_rows(frame)
    free = {} if text and label else _looks(some, [c for c in frame.columns if c not in named])
    reasons, question = {}, ""
    if not label:
        label, reasons["label"], question = _guess_label(some, free, text)
        free.pop(label)
    if not text:
        text, guessed_pair, reasons["text"] = guess_text(free)
        if guessed_pair and not pair:
            pair, reasons["pair"] = guessed_pair, f"'{guessed_pair}' goes with '{text}' by name."
    found = guess_problem(some[label], decimal)
    if problem == "auto":
        problem, reasons["problem"] = found.kind, found.reason
        question = " ".join(filter(None, (question, found.question)))
    return Columns(text, pair or None, label, problem, found.decimal, reasons, question)


def looks_at(frame: pd.DataFrame) -> dict[str, Look]:
    """What each column looks like, from some of its rows."""
    return _looks(_some_rows(frame), list(frame.columns))


def _some_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """Neither the first rows (files are often sorted) nor each n-th one (or alternate)."""
    rows = min(len(frame), GUESS_ROWS, max(GUESS_CELLS // max(frame.shape[1], 1), 100))
    return frame.sample(rows, random_state=0).sort_index()


def _looks(some: pd.DataFrame, names: list[str]) -> dict[str, Look]:
    return {name: look_at(some[name]) for name in names}


def _guess_label(
    some: pd.DataFrame, free: dict[str, Look], text: str | None
) -> tuple[str, str, str]:
    """The column, why, and what could be meant otherwise."""
    by_name = first_named((c for c, look in free.items() if look.filled), LABEL_NAMES)
    if by_name:
        return by_name, f"'{by_name}' is called as labels are.", ""
    texts = _texts_among(free) if not text else [text]
    maybe = {c: look for c, look in free.items() if c not in texts and not look.never}
    classes = {c: k for c, k in maybe.items() if 2 <= k.values <= min(MAX_CLASSES, len(some) / 2)}
    points = {c: _points(look, c, some, texts) for c, look in classes.items()}
    best = sorted(points, key=lambda c: -points[c])[:COMPARED]
    if best:
        words = some[texts[0]] if texts else None
        label = max(best, key=lambda c: points[c] + AT_ODDS * classes[c].at_odds(words))
        others = several_labels(label, classes, [*some.columns])
        label = others[0] if others else label
        return label, _why(label, classes[label], some), _several(others)
    numbers = {c: _points(k, c, some, texts) for c, k in maybe.items() if k.number and k.values > 1}
    if numbers:
        label = max(numbers, key=lambda c: numbers[c])
        return label, _why(label, maybe[label], some), ""
    raise DataError(
        "No column looks like a label. Name it with label_column; the columns are "
        f"{', '.join(map(str, some.columns[:COLUMNS_SHOWN]))}."
    )


def _texts_among(free: dict[str, Look]) -> list[str]:
    """Columns that are text, the likeliest first: it is taken, and the others are no labels."""
    names = {str(column).lower() for column in free}
    by_name = [
        c for c in free if str(c).lower() in TEXT_NAMES or _is_second_text(str(c).lower(), names)
    ]
    try:
        return [guess_text(free)[0], *by_name]
    except DataError:
        return by_name


def _points(look: Look, column: str, some: pd.DataFrame, texts: list[str]) -> float:
    places = {name: place for place, name in enumerate(some.columns)}
    points = NAMED * bool(name_words(column) & LABEL_WORDS) + FEW * (look.values <= MANY_VALUES)
    points += ID * bool(name_words(column) & ID_WORDS)
    points += LAST * (places[column] == len(places) - 1)
    points += AFTER_TEXT * any(places[column] > places[text] for text in texts)
    return points + LONG * (look.characters > LONG_CHARACTERS)


def _why(label: str, look: Look, some: pd.DataFrame) -> str:
    parts = [f"'{label}' has {look.values:,} different values in {len(some):,} rows"]
    parts += ["its name is a label's"] if name_words(label) & LABEL_WORDS else []
    parts += ["it is the last column"] if label == some.columns[-1] else []
    return f"{', '.join(parts)}."


def _several(columns: list[str]) -> str:
    if not columns:
        return ""
    named = ", ".join(f"'{column}'" for column in columns)
    return (
        f"The columns {named} hold the same two values each, as where a row may have several "
        f"labels. One label per row is learned, here '{columns[0]}': choose the column to learn, "
        "or make one column of them."
    )


def _is_second_text(column: str, names: set[str]) -> bool:
    return any(
        first in names and column in seconds.split() for first, seconds in PAIR_NAMES.items()
    )


def guess_text(free: dict[str, Look]) -> tuple[str, str | None, str]:
    """The column, the one of the second text, and why."""
    for first, seconds in PAIR_NAMES.items():
        text, pair = first_named(free, [first]), first_named(free, seconds.split())
        if text and pair:
            return text, pair, f"'{text}' and '{pair}' are called as pairs of texts are."
    by_name = first_named((c for c, k in free.items() if k.filled), TEXT_NAMES)
    if by_name:
        return by_name, None, f"'{by_name}' is called as texts are."
    lengths = {c: k.characters for c, k in free.items() if k.is_text} or {
        c: k.characters for c, k in free.items() if not k.number and k.filled
    }
    if not lengths:
        raise DataError(
            "No column looks like text. Name it with text_column; the columns are "
            f"{', '.join(map(str, list(free)[:COLUMNS_SHOWN])) or 'all taken'}."
        )
    text = max(lengths, key=lambda c: (lengths[c], bool(name_words(c) & TEXT_WORDS)))
    return (
        text,
        None,
        f"'{text}' has the longest cells, {lengths[text]:g} characters in the middle.",
    )


def first_named(free: Iterable[str], names: Iterable[str]) -> str | None:
    """The free column that is called as the earliest of some names, whatever its case."""
    lower = {str(column).lower(): column for column in reversed([*free])}
    return next((lower[name] for name in names if name in lower), None)
