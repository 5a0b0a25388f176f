"""Run rows as a table: its frame, how its columns are shown, which rows match a filter."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app.rows import Row
from app.run_table.columns import COLUMNS, SHOWN
from finegates.files.spreadsheet import no_formulas

OPEN = "open"
_SEARCHED = (
    "name", "run", "status", "task", "data_name", "method", "model", "metric", "reason", "notes",
    "tags",
)  # fmt: skip


def matching(
    rows: Iterable[Row], words: str, chosen: Mapping[str, Iterable[Any]] | None = None
) -> list[Row]:
    """Rows that hold every word somewhere, and in each field one of the chosen values.

    Args:
        rows: From `app.reading.runs.run_rows`.
        words: Words with blanks between them; case does not matter.
        chosen: Key of a row -> values; no value allows any. A list, as ``tags`` is, needs one of
            them in it.
    """
    wanted = words.lower().split()
    limits = {key: {*values} for key, values in (chosen or {}).items() if values}
    return [
        row
        for row in rows
        if all(limit & _values(row[key]) for key, limit in limits.items())
        and all(any(w in _text(row.get(key)) for key in _SEARCHED) for w in wanted)
    ]


def table(
    rows: list[Row], columns: Iterable[str] = SHOWN, *, editing: bool = False
) -> pd.DataFrame:
    """One line for each run, in the order of the rows, with a button to open it.

    Args:
        rows: From `app.reading.runs.run_rows`.
        columns: Keys of `app.run_table.columns.COLUMNS`.
        editing: Whether cells can be changed, so that they are as they are kept.
    """
    frame = pd.DataFrame({OPEN: ["Open"] * len(rows)})
    for key in columns:
        frame[key] = pd.Series([COLUMNS[key].value(row) for row in rows], dtype=_dtype(key))
    if "created" in frame:
        frame["created"] = pd.to_datetime(frame["created"], utc=True, format="ISO8601")
    return frame if editing else no_formulas(frame)


def column_config(runs: Sequence[str], on_open: Callable[[str], None]) -> dict[str, Any]:
    """Labels, formats and definitions of the columns.

    Args:
        runs: Which run each line stands for. A click opens the run of the line as it was drawn,
            whatever has moved meanwhile.
        on_open: What a button calls with its run.
    """
    key = f"open_run_{hash(tuple(runs))}"

    def open_clicked() -> None:
        on_open(runs[st.session_state[key].row])

    button = st.column_config.ButtonColumn(
        "", type="tertiary", on_click=open_clicked, key=key, width=60, pinned=True
    )
    return {OPEN: button, **{key: column.config for key, column in COLUMNS.items()}}


def _dtype(key: str) -> str | None:
    return "object" if key in ("state", "tags") else None


def _values(value: Any) -> set[Any]:
    return {*value} if isinstance(value, list) else {value}


def _text(value: Any) -> str:
    return (" ".join(value) if isinstance(value, list) else str(value or "")).lower()
