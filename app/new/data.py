"""The data section of a new run: which rows, a look at them, and what is wrong with them."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from app.new import keys
from app.new.fields import PREFIX, help_of, setting_input
from app.new.preview import draw_preview
from app.reading.data import UPLOADS_FOLDER, guessed_columns, read_upload, splits_of
from app.text import escape_markdown
from app.widgets.buttons import disabled_if_read_only
from finegates.data.columns import Columns
from finegates.data.glue import GLUE_DIR_VARIABLE
from finegates.data.splits import TextSplits
from finegates.data.uploads import save_readable
from finegates.data.user_files import READERS
from finegates.errors import DataError
from finegates.spec import FILE_TASK, GLUE_TASKS, SAMPLE_TASK, make_spec

SAMPLE, GLUE, FILE = "Bundled sample", "GLUE", "Your file"
SOURCES = (SAMPLE, GLUE, FILE)
NO_PAIR = "(none)"
TEXT_AND_LABEL = 2
DECIDE_ROWS = ("max_train_samples", "validation_fraction", "hold_out_fraction", "split_seed")


@dataclass(frozen=True)
class Choice:
    """What was chosen: settings for the spec, and the rows if they could be read."""

    settings: dict[str, Any]
    splits: TextSplits | None = None
    error: str = ""


def choose_data(method: str, folder: Path, prefix: str = PREFIX) -> Choice:
    """Draws the section. An error is shown and handed on; nothing is raised.

    Args:
        method: Whose defaults count.
        folder: The runs folder, where uploads are kept.
        prefix: Of the page's settings in the session; some of them decide which rows are read.
    """
    source = st.segmented_control(
        "Data", SOURCES, default=SAMPLE, key=keys.SOURCE, required=True, persist_state="session",
        label_visibility="collapsed",
    )  # fmt: skip
    try:
        settings = {SAMPLE: _sample, GLUE: _glue, FILE: lambda: _file(method, folder)}[source]()
        if settings is None:
            return Choice({}, error="Choose a file first.")
        splits = _read(settings, prefix)
    except DataError as error:
        st.error(escape_markdown(_in_users_names(str(error))), icon=":material/error:")
        return Choice({}, error="The data can't be used yet; see there.")
    if splits is not None:
        draw_preview(splits)
    return Choice(settings, splits)


def _in_users_names(text: str) -> str:
    """An error with an upload called as the user calls it, not as it is kept."""
    kept, upload = st.session_state.get(keys.FILE), st.session_state.get(keys.UPLOAD)
    return text.replace(Path(kept).name, upload.name) if kept and upload else text


def _sample() -> dict[str, Any]:
    st.caption("English sentences, well formed or broken by one fault. Comes with the program.")
    return {"task": SAMPLE_TASK}


def _glue() -> dict[str, Any] | None:
    left, right = st.columns([1, 3])
    task = left.selectbox("Task", GLUE_TASKS, key=keys.GLUE_TASK, persist_state="session")
    st.session_state.setdefault(keys.GLUE_DIR, os.environ.get(GLUE_DIR_VARIABLE, ""))
    glue_dir = right.text_input(
        "Folder", key=keys.GLUE_DIR, help=help_of("glue_dir"), persist_state="session",
        placeholder="empty: download from the hub",
    )  # fmt: skip
    return {"task": task, "glue_dir": glue_dir.strip() or None}


def _file(method: str, folder: Path) -> dict[str, Any] | None:
    upload = st.file_uploader(
        "A table with a text and a label in each row", type=[r.lstrip(".") for r in READERS],
        key=keys.UPLOAD,
        **disabled_if_read_only(help="CSV, TSV, JSONL or Parquet, UTF-8, up to 200 MB."),
    )  # fmt: skip
    if upload is not None:
        kept = folder / UPLOADS_FOLDER
        path = save_readable(upload.name, upload.getvalue(), kept, read_upload)
        st.session_state[keys.FILE] = str(path)
    if not (name := st.session_state.get(keys.FILE)) or not Path(name).is_file():
        return None
    path = Path(name)
    if upload is None:
        st.caption(f"Your last upload is kept: `{path.name}`")
    return {"task": FILE_TASK, "data": str(path), **map_columns(path, method)}


def map_columns(path: Path, method: str) -> dict[str, Any]:
    """Columns as guessed from the file, to be changed; widgets are new for each file.

    Args:
        path: A kept file.
        method: Whose defaults count.

    Returns:
        Settings of a spec.

    Raises:
        DataError: If the file can't be read.
    """
    names, guess, problem = guessed_columns(path)
    if len(names) < TEXT_AND_LABEL:
        raise DataError(
            f"'{path.name}' has one column only, '{names[0]}'. A text and a label are needed in "
            "each row; add a column of labels."
        )
    if guess is None:
        st.warning(escape_markdown(f"{problem} Choose the columns."), icon=":material/rule:")
        guess = Columns(names[0], None, names[-1], "auto")
    text, pair, label = guess.text, guess.pair, guess.label
    boxes = st.columns(4)
    text = boxes[0].selectbox(
        "Text", names, names.index(text), key=keys.text_column(path.name),
        help=help_of("text_column"), persist_state="session",
    )  # fmt: skip
    options = [NO_PAIR, *names]
    pair = boxes[1].selectbox(
        "Second text", options, options.index(pair or NO_PAIR), key=keys.pair_column(path.name),
        help=help_of("pair_column"), persist_state="session",
    )  # fmt: skip
    label = boxes[2].selectbox(
        "Label", names, names.index(label), key=keys.label_column(path.name),
        help=help_of("label_column"), persist_state="session",
    )  # fmt: skip
    with boxes[3]:
        problem = setting_input("problem", method)
    return {
        "text_column": text,
        "pair_column": None if pair == NO_PAIR else pair,
        "label_column": label,
        "problem": problem,
    }


def _read(settings: dict[str, Any], prefix: str) -> TextSplits | None:
    """The rows, read once for each choice; from the hub only when asked."""
    from_hub = settings["task"] in GLUE_TASKS and not settings.get("glue_dir")
    if from_hub and not st.toggle(
        "Download and show the rows", key=keys.DOWNLOAD, persist_state="session"
    ):
        st.caption("The rows are downloaded when the run starts, if you don't look at them now.")
        return None
    given = {name: st.session_state.get(prefix + name) for name in DECIDE_ROWS}
    with st.spinner("Reading the data …"):
        return splits_of(make_spec({**settings, **given}))
