"""A run's own name, to be given and changed."""

import streamlit as st

from app.reading.one_run import row_of
from app.text import escape_markdown
from app.widgets.buttons import change_button
from finegates.errors import FineGatesError
from finegates.runs.folder import Run
from finegates.runs.names import describe
from finegates.runs.notes import MAX_NAME_LENGTH, rename_run


def rename_popover(run: Run) -> None:
    """A popover with a box for the name; nothing where the run can't be read."""
    row = row_of(run)
    if not row["data_name"]:
        return
    own = describe(row)
    with st.popover("Rename", icon=":material/edit:", key=f"name-of-{run.id}"):
        given = st.text_input(
            "Name", "" if row["name"] == own else row["name"], key=f"name-{run.id}", width=420,
            placeholder=own, max_chars=MAX_NAME_LENGTH,
            help=f"Empty calls it by what it is. Its id stays `{run.id}`.",
        )  # fmt: skip
        if change_button("Save the name", type="primary", key=f"rename-{run.id}"):
            try:
                rename_run(run.path, given)
            except FineGatesError as error:
                st.error(escape_markdown(str(error)))
            else:
                st.rerun()
