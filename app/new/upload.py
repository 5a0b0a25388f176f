"""A box that keeps what is uploaded, as Data, New run and Sweep have it."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from app.new import keys
from app.new.fields import put
from app.new.file_format import FORMAT, chosen_format, draw_boxes
from app.reading.data import look_at_any
from app.text import escape_markdown
from app.widgets.buttons import disabled_if_read_only
from finegates.data.encodings import check_is_text
from finegates.data.formats import Reading
from finegates.data.uploads import save_readable
from finegates.errors import DataError

LABEL = "Upload a table, or plain text for a language model"
HELP = (
    "Text tables (CSV, TSV and the like, with any separator and encoding), JSON, JSON lines, "
    "Parquet, plain text, and any of them packed with gzip; up to 200 MB. What is in the file "
    "decides, not its name. Kept on this machine only, in your folder of runs."
)


@dataclass(frozen=True)
class Upload:
    """What came of an upload, said once: on the run of the page that follows it.

    Attributes:
        path: Where it is kept.
        refused: Whether it could not be read, so that it is not kept.
    """

    path: Path | None = None
    refused: bool = False


def draw_upload(folder: Path, key: str) -> Upload:
    """The box. A file that can't be read is refused with a reason, for as long as it is in it.

    Args:
        folder: Where it is kept.
        key: Of the box in the session.
    """
    upload = st.file_uploader(LABEL, key=key, **disabled_if_read_only(help=HELP))
    done, failed = f"{key}_done", f"{key}_failed"
    if upload is None:
        st.session_state.pop(done, None)
        return Upload()
    if st.session_state.get(done) == upload.file_id:
        if failed in st.session_state:
            _say_refused(st.session_state[failed], upload.name, upload.getvalue(), done)
        return Upload()
    st.session_state[done] = upload.file_id
    st.session_state.pop(failed, None)
    chosen = chosen_format(upload.name)
    try:
        with st.spinner("Reading the file …"):
            path = save_readable(
                upload.name,
                upload.getvalue(),
                folder,
                lambda path: look_at_any(path, Reading(**chosen)),
            )
    except DataError as error:
        st.session_state[failed] = str(error)
        _say_refused(str(error), upload.name, upload.getvalue(), done)
        return Upload(refused=True)
    for name in FORMAT:  # another file of this name starts as found
        if (value := st.session_state.pop(keys.of_file(name, upload.name), None)) is not None:
            st.session_state[keys.of_file(name, path.name)] = value
    return Upload(path)


def _say_refused(reason: str, name: str, content: bytes, done: str) -> None:
    """The reason and, of a text, boxes to read it in another way."""
    st.error(escape_markdown(reason), icon=":material/error:")
    st.caption("The file was not kept. Mend it and upload it again, or choose another.")
    try:
        check_is_text(name, content)
    except DataError:
        return
    with st.expander("Read it another way", icon=":material/tune:"):
        draw_boxes(name)
        st.button("Try again", key=f"{done}_again", on_click=put, args=(done, None))
