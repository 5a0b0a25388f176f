"""Objects within cells become columns: ``{"label": {"name": "x"}}`` becomes ``label.name``."""

from typing import Any

import numpy as np
import pandas as pd

from finegates.data import limits

_LISTS = (list, tuple, np.ndarray)


def unnest(frame: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """A column for each part of an object, at any depth, and a sentence for what was changed.

    An object whose parts would be too many columns stays as it is. Lists of one value become it.

    Args:
        frame: Rows of JSON or Parquet.
    """
    columns: dict[str, Any] = {}
    waiting = [(str(name), frame[name]) for name in frame.columns][::-1]
    made: list[str] = []
    notes: list[str] = []
    while waiting:
        name, cells = waiting.pop()
        values = cells.tolist() if cells.dtype == object else []
        names = _parts(values)
        taken = {*columns, *(other for other, _ in waiting)}
        if names and _fits(len(frame), len(taken) + len(names)) and not _clash(name, names, taken):
            waiting += [(f"{name}.{part}", _part(values, part, cells)) for part in names[::-1]]
            made += [f"{name}.{part}" for part in names]
            cells = pd.Series([None if isinstance(v, dict) else v for v in values], cells.index)
            if cells.notna().any():
                columns[name] = cells
            continue
        if names:
            notes.append(f"'{name}' holds objects with too many parts, so it stays one column.")
        elif values and _is_one_each(values):
            cells = pd.Series([_only(value) for value in values], cells.index)
            notes.append(f"'{name}' holds lists of one value at most; the value was taken.")
        columns[name] = cells
    made = [name for name in made if name in columns]
    if made:
        shown = ", ".join(f"'{name}'" for name in made[:5]) + (" ..." if len(made) > 5 else "")
        notes.insert(0, f"Objects within rows became columns: {shown}.")
    return (pd.DataFrame(columns, index=frame.index), tuple(notes)) if notes else (frame, ())


def _parts(values: list[Any]) -> list[str]:
    """Names in the objects among some cells, at most one more than columns are allowed."""
    names: dict[str, None] = {}
    for value in values:
        if isinstance(value, dict):
            names.update(dict.fromkeys(map(str, value)))
            if len(names) > limits.MAX_COLUMNS:
                break
    return list(names)


def _part(values: list[Any], name: str, cells: pd.Series) -> pd.Series:
    parts = [value.get(name) if isinstance(value, dict) else None for value in values]
    return pd.Series(parts, cells.index)


def _fits(rows: int, columns: int) -> bool:
    return columns <= limits.MAX_COLUMNS and rows * columns <= limits.MAX_CELLS


def _clash(name: str, parts: list[str], taken: set[str]) -> bool:
    names = [f"{name}.{part}".strip() for part in parts]
    too_long = any(len(made) > limits.MAX_NAME_CHARACTERS for made in names)
    return too_long or len({*names}) < len(names) or bool({*names} & taken)


def _is_one_each(values: list[Any]) -> bool:
    """Whether each cell is a list of at most one plain value, or missing; and some are lists."""
    some = False
    for value in values:
        if isinstance(value, _LISTS):
            if len(value) > 1 or any(isinstance(inner, (*_LISTS, dict, bytes)) for inner in value):
                return False
            some = some or len(value) == 1
        elif value is not None and value == value:
            return False
    return some


def _only(value: Any) -> Any:
    return value[0] if isinstance(value, _LISTS) and len(value) else None
