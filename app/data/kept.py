"""Data sets that are kept: list, choice and removal. Text of them is never Markdown."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from app.rows import Row
from app.text import escape_markdown
from app.widgets.buttons import change_button
from app.words import size
from finegates.data.uploads import KeptFile, delete_upload, shown_names
from finegates.errors import DataError

SAMPLE = "Bundled sample"
CHOICE = "data"
_NOTHING = "data_none"
"""Set after an upload that was refused, until a data set is chosen."""
MAX_TABLE_HEIGHT = 200


def choose_upload(kept: Sequence[KeptFile], path: Path) -> None:
    """The file that has only now been uploaded is looked at."""
    names = shown_names(kept)
    st.session_state[CHOICE] = next(name for name, file in names.items() if file.path == path)


def choose_nothing() -> None:
    """After a file that could not be read: no other is reported on in its place."""
    st.session_state[CHOICE] = None
    st.session_state[_NOTHING] = True


def draw_kept(kept: Sequence[KeptFile]) -> None:
    """The list of what is kept, newest first."""
    st.markdown("**Kept data sets**")
    if not kept:
        st.caption(
            "None yet. Below is the sample that comes with the program, so that you see what is "
            "reported of a file."
        )
        return
    frame = pd.DataFrame(
        {
            "name": list(shown_names(kept)),
            "size": [size(file.size_bytes) for file in kept],
            "kept": [file.kept for file in kept],
        }
    )
    st.dataframe(
        frame, key="kept", hide_index=True, row_height=30, alt=f"{len(kept)} kept data sets",
        height="content" if len(frame) <= 5 else MAX_TABLE_HEIGHT,
        column_config={
            "name": st.column_config.TextColumn("Name", width=260),
            "size": st.column_config.TextColumn("Size", width=80),
            "kept": st.column_config.DatetimeColumn(
                "Uploaded", format="YYYY-MM-DD HH:mm", width=130
            ),
        },
    )  # fmt: skip


def choose_data_set(kept: Sequence[KeptFile]) -> tuple[KeptFile | None, bool]:
    """The data set of the address, else the sample, which is None; and whether one is chosen."""
    files = shown_names(kept)
    options = [SAMPLE, *files]
    asked = st.query_params.get(CHOICE)
    if asked and asked not in options:
        st.error(escape_markdown(f"The data set '{asked}' is not kept here. The sample is shown."))
    chosen = st.session_state.get(CHOICE)
    if chosen not in options and not (chosen is None and st.session_state.get(_NOTHING)):
        st.session_state[CHOICE] = asked if asked in options else SAMPLE
    picked = st.selectbox(
        "Data set", options, index=None, key=CHOICE, bind="query-params", width=520,
        placeholder="Choose a data set", help="What is reported below.",
    )  # fmt: skip
    if picked:
        st.session_state.pop(_NOTHING, None)
    return files.get(picked or ""), picked is not None


def draw_delete(file: KeptFile, rows: Sequence[Row]) -> None:
    """Removes a data set, after a word on what is lost."""
    users = [row["run"] for row in rows if file.path.name in str(row["command"])]
    with st.popover("Delete", icon=":material/delete:", key="confirm_delete_data"):
        st.text(f"Removes {file.name} ({size(file.size_bytes)}) from this machine for good.")
        if users:
            st.warning(
                f"{len(users)} run{'s were' if len(users) > 1 else ' was'} made with it. Their "
                "results stay, but they can't be resumed or repeated without the file."
            )
        if change_button("Yes, delete it", type="primary", key="delete_data"):
            try:
                delete_upload(file.path, file.path.parent)
            except DataError as error:
                st.error(escape_markdown(str(error)))
                return
            st.rerun()
