"""Cells of a user's table as text and as numbers, whatever the file held.

Columns are looped over as lists: pandas takes five times as long to yield single strings.
"""

import re
from typing import Any

import numpy as np
import pandas as pd

from finegates.data.formats import COMMA, POINT

NESTED = (list, tuple, dict, bytes, np.ndarray)
"""Cells of JSONL and Parquet that are not text."""
MOSTLY = 0.9
"""Share of a column's cells that decides what it holds; the rest are then errors in it."""
LOOKED_AT = 5_000
"""Cells of a column that decide what its numbers are written with."""
INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0"
)
"""Characters without a picture: zero-width ones, marks of direction, fillers."""
_INVISIBLE_ONLY = re.compile(rf"[\s{INVISIBLE}]+")
_POINT_NUMBER = re.compile(r"[+-]?[1-9]\d{0,2}(?:([ ,'’])\d{3})(?:\1\d{3})*(?:\.\d+)?")
_COMMA_NUMBER = re.compile(r"[+-]?[1-9]\d{0,2}(?:([ .'’])\d{3})(?:\1\d{3})*(?:,\d+)?")
_PLAIN_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
_GROUPS_OR_COMMA = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+")
_ADORNMENTS = " \t\u00a0\u202f%‰€$£¥"
"""Around a number: blanks, percent, money."""
_LONGEST_NUMBER = 60
_HAS_COMMA = re.compile(r"[+-]?[\d.'’ ]*,\d+")
_HAS_POINT = re.compile(r"[+-]?[\d,'’ ]*\.\d+(?:[eE][+-]?\d+)?")


def is_number(column: pd.Series) -> bool:
    """Whether most cells are numbers."""
    return bool(numbers_of(column).notna().mean() >= MOSTLY)


def numbers_of(column: pd.Series, decimal: str = "auto") -> pd.Series:
    """The column as floats, NaN where a cell is not a number.

    Args:
        column: Its cells.
        decimal: ``"point"``, ``"comma"``, or ``"auto"`` for what `decimal_of` finds.
    """
    decimal = decimal_of(column) if decimal == "auto" else decimal
    return pd.Series(
        [number(value, decimal) for value in column.tolist()], index=column.index, dtype="float64"
    )


def number(value: Any, decimal: str = POINT) -> float:
    """One cell as a float, NaN if it is not a number.

    Signs of percent and of money are left out ("12 %" is 12), and so is what parts thousands.
    """
    if isinstance(value, str) and ("_" in value or (decimal == COMMA and not value.isdecimal())):
        return _written_number(value, decimal)  # Python reads "1_0" as 10: there it means a name
    if isinstance(value, NESTED):
        return np.nan
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return _written_number(value, decimal) if isinstance(value, str) else np.nan


def _written_number(text: str, decimal: str) -> float:
    """A number as people and spreadsheets write it."""
    if len(text) > _LONGEST_NUMBER or "_" in text or text[:1].isalpha():
        return np.nan
    plain = _bare(text)
    grouped = _COMMA_NUMBER if decimal == COMMA else _POINT_NUMBER
    if grouped.fullmatch(plain):
        plain = re.sub(r"[ .'’]" if decimal == COMMA else r"[ ,'’]", "", plain).replace(",", ".")
    elif decimal == COMMA and _PLAIN_COMMA.fullmatch(plain):
        plain = plain.replace(",", ".")
    try:
        return float(plain)
    except ValueError:
        return np.nan


def _bare(text: str) -> str:
    """Without what stands around a number, and with one kind of blank and minus."""
    plain = text.strip(_ADORNMENTS)
    if plain.isascii():
        return plain
    return plain.replace("\u00a0", " ").replace("\u202f", " ").replace("\u2212", "-")


def decimal_of(column: pd.Series) -> str:
    """What stands before the fraction in a column's numbers: ``"comma"`` only if it is plain.

    "1,234" alone may be either and counts as thousands; "1,5" and "0,125" can only be fractions.
    """
    commas = 0
    for cell in column.head(LOOKED_AT).tolist():
        if not isinstance(cell, str) or len(cell) > _LONGEST_NUMBER:
            continue
        plain = _bare(cell)
        if _HAS_COMMA.fullmatch(plain):
            commas += not _GROUPS_OR_COMMA.fullmatch(plain)
        elif _HAS_POINT.fullmatch(plain) and not _COMMA_NUMBER.fullmatch(plain):
            return POINT
    return COMMA if commas else POINT


def cells_of(column: pd.Series) -> pd.Series:
    """The column as text without outer blanks; missing cells are empty, whole floats plain.

    A cell of nothing but invisible characters is empty too.
    """
    return pd.Series([cell(value) for value in column.tolist()], index=column.index, dtype="str")


def cell(value: Any) -> str:
    """One cell as text."""
    if isinstance(value, NESTED):
        return str(value)
    if value is None or value is pd.NA or value is pd.NaT or value != value:  # NaN is not itself
        return ""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    text = str(value).strip()
    return text if text.isascii() or not _INVISIBLE_ONLY.fullmatch(text) else ""
