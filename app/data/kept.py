"""Data sets that are kept: upload, list, choice and removal. Text of them is never Markdown."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from app.reading.data import kept_uploads, read_upload
from app.rows import Row
from app.text import escape_markdown
from app.widgets.buttons import change_button, disabled_if_read_only
from app.words import size
from finegates.data.uploads import KeptFile, delete_upload, save_readable
from finegates.data.user_files import READERS
from finegates.errors import DataError

SAMPLE = "Bundled sample"
CHOICE = "data"
_SAVED = "data_saved"
MAX_TABLE_HEIGHT = 200


def draw_upload(folder: Path) -> None:
    """Keeps what is uploaded and chooses it; a file that can't be read is refused with a reason."""
    upload = st.file_uploader(
        "Upload a table with a text and a label in each row", key="data_upload",
        type=[r.lstrip(".") for r in READERS],
        **disabled_if_read_only(
            help="CSV, TSV, JSONL or Parquet, UTF-8, up to 200 MB. Kept on this machine only, in "
            "your folder of runs."
        ),
    )  # fmt: skip
    if upload is None or st.session_state.get(_SAVED) == upload.file_id:
        return
    try:
        with st.spinner("Reading the file …"):
            path = save_readable(upload.name, upload.getvalue(), folder, read_upload)
    except DataError as error:
        st.error(escape_markdown(str(error)), icon=":material/error:")
        st.caption("The file was not kept. Mend it and upload it again.")
        return
    st.session_state[_SAVED] = upload.file_id
    names = shown_names(kept_uploads(folder))
    st.session_state[CHOICE] = next(name for name, file in names.items() if file.path == path)


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
            "name": [file.name for file in kept],
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


def shown_names(kept: Sequence[KeptFile]) -> dict[str, KeptFile]:
    """Files by name; several of one name by the name that holds a mark of their content."""
    names = Counter(file.name for file in kept)
    return {file.name if names[file.name] == 1 else file.path.name: file for file in kept}


def choose_data_set(kept: Sequence[KeptFile]) -> KeptFile | None:
    """The data set of the address, else the sample, which is None."""
    files = shown_names(kept)
    options = [SAMPLE, *files]
    asked = st.query_params.get(CHOICE)
    if asked and asked not in options:
        st.error(escape_markdown(f"The data set '{asked}' is not kept here. The sample is shown."))
    if st.session_state.get(CHOICE) not in options:
        st.session_state[CHOICE] = asked if asked in options else SAMPLE
    chosen = st.selectbox(
        "Data set", options, index=None, key=CHOICE, bind="query-params", width=520,
        help="What is reported below.",
    )  # fmt: skip
    return files.get(chosen or SAMPLE)


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
            st.session_state.pop(_SAVED, None)
            st.rerun()
