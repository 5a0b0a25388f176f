"""Which rows a run is scored on: a share of a kept file, those a column names, or another file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from app.new import keys
from app.new.fields import help_of
from finegates.data.uploads import KeptFile, shown_names
from finegates.spec import NO_SPLIT

FOUND = ""
COLUMN, FILE = "column ", "file "
"""In front of a column's name, or of a kept file's."""


def choose_validation(
    grid: Any, path: Path, free: Sequence[str], kept: Sequence[KeptFile], found: str = ""
) -> dict[str, Any]:
    """The box.

    Args:
        grid: Where it is drawn.
        path: The file that is learned from.
        free: Its columns that nothing else is learned from.
        kept: Every kept file.
        found: The column that was found to say which split a row is of.

    Returns:
        ``split_column`` and ``validation_data`` of a spec.
    """
    others = {name: file for name, file in shown_names(kept).items() if file.path != path}
    files = {FILE + file.path.name: file.path for file in others.values()}
    words = {
        FOUND: f"as '{found}' says (found)" if found else "a share of the rows",
        **({NO_SPLIT: "a share of the rows"} if found else {}),
        **{COLUMN + name: f"as '{name}' says" for name in free},
        **{FILE + file.path.name: f"all of {name}" for name, file in others.items()},
    }
    key = keys.of_file("validation", path.name)
    if st.session_state.get(key) not in words:
        st.session_state[key] = FOUND
    chosen = grid.selectbox(
        "Scored on", list(words), key=key, format_func=words.__getitem__, persist_state="session",
        help=f"{help_of('split_column')} {help_of('validation_data')}",
    )  # fmt: skip
    return {
        "split_column": chosen.removeprefix(COLUMN) if chosen.startswith(COLUMN) else
        NO_SPLIT if chosen == NO_SPLIT else None,
        "validation_data": str(files[chosen]) if chosen in files else None,
    }  # fmt: skip


def validation_key(split_column: str | None, validation_data: str | None) -> str:
    """What the box holds for these settings of a spec."""
    if validation_data:
        return FILE + Path(validation_data).name
    return COLUMN + split_column if split_column not in (None, NO_SPLIT) else split_column or FOUND
