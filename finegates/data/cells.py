"""Cells of a user's table as text and as numbers, whatever the file held.

Columns are looped over as lists: pandas takes five times as long to yield single strings.
"""

from typing import Any

import numpy as np
import pandas as pd

NESTED = (list, tuple, dict, bytes, np.ndarray)
"""Cells of JSONL and Parquet that are not text."""
MOSTLY = 0.9
"""Share of a column's cells that decides what it holds; the rest are then errors in it."""


def is_number(column: pd.Series) -> bool:
    """Whether most cells are numbers."""
    return bool(numbers_of(column).notna().mean() >= MOSTLY)


def numbers_of(column: pd.Series) -> pd.Series:
    """The column as floats, NaN where a cell is not a number."""
    return pd.Series(
        [number(value) for value in column.tolist()], index=column.index, dtype="float64"
    )


def number(value: Any) -> float:
    """One cell as a float, NaN if it is not a number."""
    if isinstance(value, NESTED) or (isinstance(value, str) and "_" in value):
        return np.nan  # Python reads "1_0" as 10; an export that writes this means a name
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return np.nan


def cells_of(column: pd.Series) -> pd.Series:
    """The column as text without outer blanks; missing cells are empty, whole floats plain."""
    return pd.Series([cell(value) for value in column.tolist()], index=column.index, dtype="str")


def cell(value: Any) -> str:
    """One cell as text."""
    if isinstance(value, NESTED):
        return str(value)
    if value is None or value is pd.NA or value is pd.NaT or value != value:  # NaN is not itself
        return ""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()
