"""The table of runs while names, notes and tags are edited: each cell is saved as it is left."""

from pathlib import Path

import streamlit as st

from app.rows import Row
from app.run_table.columns import COLUMNS, tags_config
from app.run_table.table import OPEN, table
from app.runs.view import OWN_COLUMNS, all_tags
from app.text import escape_markdown
from app.words import NOTHING
from finegates.errors import FineGatesError
from finegates.files.read_only import read_only
from finegates.runs.notes import rename_run, write_notes

HEIGHT = 430
_PROBLEMS = "notes_problems"


def draw_editor(shown: list[Row], rows: list[Row], folder: Path) -> None:
    """Draws it.

    Args:
        shown: Rows to be edited, in order.
        rows: Rows of all runs, whose tags are offered.
        folder: The runs folder.
    """
    columns = ["name", "state", "score", "target", *OWN_COLUMNS, "run"]
    frame = table(shown, columns, editing=True).drop(columns=OPEN)
    key = f"notes_{hash(tuple(row['run'] for row in shown))}"
    config = {name: COLUMNS[name].config for name in columns} | {
        "tags": tags_config(all_tags(rows)),
        "notes": COLUMNS["notes"].config | {"width": 420},
    }
    st.data_editor(
        frame, key=key, column_config=config, hide_index=True, height=HEIGHT, placeholder=NOTHING,
        disabled=read_only() or [name for name in columns if name not in ("name", *OWN_COLUMNS)],
        on_change=_save, args=(key, shown, folder),
        alt=f"Names, notes and tags of {len(shown)} runs, to be edited",
    )  # fmt: skip
    for problem in st.session_state.pop(_PROBLEMS, ()):
        st.error(escape_markdown(problem), icon=":material/error:")
    st.caption(
        "Click twice into a cell of Run, Tags or Notes. It is saved in `notes.json` of the run's "
        "folder as you leave the cell. An empty name calls a run by what it is again."
    )


def _save(key: str, shown: list[Row], folder: Path) -> None:
    """Writes what was edited, if it says something new."""
    problems = []
    for number, edit in st.session_state[key]["edited_rows"].items():
        row = shown[int(number)]
        notes = row["notes"] if "notes" not in edit else edit["notes"] or ""
        tags = row["tags"] if "tags" not in edit else edit["tags"] or []
        try:
            write_notes(folder / row["run"], notes, tags)
            if "name" in edit:
                rename_run(folder / row["run"], edit["name"] or "")
        except FineGatesError as error:
            problems.append(str(error))
    st.session_state[_PROBLEMS] = problems
