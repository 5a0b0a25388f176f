"""What a column of a user's table looks like: text, a label, or neither (ids, dates, addresses)."""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from finegates.data.cells import MOSTLY, NESTED, cells_of, numbers_of
from finegates.data.names import LABEL_WORDS, name_words
from finegates.data.problems import KINDS, QUANTITIES

SIDES = {
    "train": "train", "training": "train", "trn": "train",
    "validation": "validation", "valid": "validation", "val": "validation", "dev": "validation",
    "development": "validation", "eval": "validation", "evaluation": "validation",
    "test": "test", "testing": "test", "tst": "test",
}  # fmt: skip
"""What a column that splits the rows says, in small letters."""
UNNAMED = re.compile(r"unnamed(_|: ?)\d+")
ID_WORDS = {"id", "ids", "uuid", "guid", "index", "idx", "key", "rowid", "hash", "nr", "row"}
DATE_WORDS = {"date", "datum", "time", "timestamp", "datetime", "created", "updated"}
_DATE = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([T ].*)?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}([T ,].*)?"
    r"|\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AaPp][Mm])?"
    r"|(\w{3,9},? )?\d{1,2}\.? \w{3,9},? \d{4}.{0,20}|(\w{3,9},? )?\w{3,9} \d{1,2},? \d{4}.{0,20}"
)
_ADDRESS = re.compile(r"(https?|ftp)://\S+|www\.\S+|[^@\s]+@[^@\s]+\.\w+")
_CHECKED = 300
"""Cells that are looked at for dates and addresses."""
_MIN_IDS = 10


@dataclass(frozen=True)
class Look:
    """What some rows of a column look like.

    Attributes:
        cells: As text.
        values: Different ones that are not empty.
        characters: Median length of those.
        filled: Share that is not empty.
        number: Whether most are numbers.
        never: Why it is no label; empty if it may be one.
    """

    cells: pd.Series
    values: int
    characters: float
    filled: float
    number: bool
    never: str

    @property
    def is_text(self) -> bool:
        """Whether it may be text to learn from."""
        return not self.number and not self.never and self.filled > 0

    def at_odds(self, texts: pd.Series | None) -> float:
        """Share of the repeated texts that have more than one label here."""
        if texts is None:
            return 0.0
        pairs = pd.DataFrame({"text": cells_of(texts), "label": self.cells})
        repeated = pairs[pairs["text"].duplicated(keep=False) & (pairs["label"] != "")]
        if repeated.empty:
            return 0.0
        return float((repeated.groupby("text")["label"].nunique() > 1).mean())


def look_at(column: pd.Series) -> Look:
    """Looks at some rows of a column, in the file's order."""
    cells = cells_of(column)
    filled = cells[cells != ""]
    numbers = numbers_of(column[filled.index])
    number = bool(len(filled)) and bool(numbers.notna().mean() >= MOSTLY)
    characters = float(filled.str.len().median()) if len(filled) else 0.0
    share = len(filled) / max(len(cells), 1)
    never = _never(str(column.name), column, filled, numbers if number else None)
    return Look(cells, int(filled.nunique()), characters, share, number, never)


def _never(
    name: str, column: pd.Series, filled: pd.Series, numbers: pd.Series | None
) -> str:  # fmt: skip
    words = name_words(name)
    if filled.empty:
        return "it is empty"
    if UNNAMED.fullmatch(name.lower()):
        return "it has no name"
    if words & ID_WORDS and not words & KINDS:
        return "its name is that of ids"
    if numbers is not None and _counts(numbers) and not words & (QUANTITIES | LABEL_WORDS):
        return "it counts the rows"
    if any(isinstance(value, NESTED) for value in column.head(_CHECKED).tolist()):
        return "it holds lists or objects"
    some = filled.head(_CHECKED).tolist()
    if _mostly(some, _DATE) or (words & DATE_WORDS and numbers is not None):
        return "it holds dates or times"
    if _mostly(some, _ADDRESS):
        return "it holds addresses"
    return "it says which rows are for training" if sides_of(filled) else ""


def _counts(numbers: pd.Series) -> bool:
    """Whether whole numbers go up, or down, from each row to the next."""
    values = numbers.to_numpy()
    if len(values) < _MIN_IDS or not np.isfinite(values).all() or (values % 1 != 0).any():
        return False
    steps = np.diff(values)
    return bool((steps > 0).all() or (steps < 0).all())


def _mostly(cells: list[str], pattern: re.Pattern) -> bool:
    return sum(bool(pattern.fullmatch(cell)) for cell in cells) >= MOSTLY * len(cells)


def sides_of(cells: pd.Series) -> dict[str, str]:
    """Each value to ``train``, ``validation`` or ``test``; empty if one of them says none of it."""
    values = [str(value) for value in cells.unique()[: len(SIDES) * 3]]
    sides = {value: SIDES.get(value.strip().lower(), "") for value in values}
    found = {*sides.values()}
    return sides if "" not in found and "train" in found and len(found) > 1 else {}


def several_labels(label: str, classes: dict[str, Look], order: list[str]) -> list[str]:
    """Columns next to each other, the label among them, with the same two values; else none."""
    values = {c: frozenset(k.cells[k.cells != ""]) for c, k in classes.items() if k.values == 2}
    if label not in values:
        return []
    place = order.index(label)
    first = last = place
    while first > 0 and values.get(order[first - 1]) == values[label]:
        first -= 1
    while last + 1 < len(order) and values.get(order[last + 1]) == values[label]:
        last += 1
    return order[first : last + 1] if last > first else []
