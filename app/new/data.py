"""The data section of a new run: which rows, a look at them, and what is wrong with them."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from app.new import keys
from app.new.columns import NO_PAIR, map_columns
from app.new.fields import PREFIX, help_of
from app.new.file_format import choose_format, chosen_format
from app.new.language import choose_task, language_settings, language_values
from app.new.preview import draw_preview
from app.new.remedies import cleaning_of, draw_done, draw_findings
from app.new.upload import draw_upload
from app.new.validation import choose_validation, validation_key
from app.reading.data import UPLOADS_FOLDER, data_report, kept_uploads, look_at, splits_of
from app.text import escape_markdown
from finegates.data.formats import is_called_table
from finegates.data.glue import GLUE_DIR_VARIABLE
from finegates.data.splits import TextSplits
from finegates.data.uploads import KeptFile, shown_names
from finegates.data.user_files import Reading
from finegates.errors import DataError
from finegates.spec import (
    FILE_TASK,
    GLUE_TASKS,
    LANGUAGE_TASKS,
    SAMPLE_TASK,
    RunSpec,
    make_spec,
)

SAMPLE, GLUE, FILE = "Bundled sample", "GLUE", "Your file"
SOURCES = (SAMPLE, GLUE, FILE)
DECIDE_ROWS = (
    "max_train_samples", "validation_fraction", "hold_out_fraction", "split_seed", "max_length",
)  # fmt: skip

PLAIN = ("separator", "decimal", "header", "problem", "text_column", "label_column")
"""Settings of a file whose boxes hold what the spec holds."""


@dataclass(frozen=True)
class Choice:
    """What was chosen: settings for the spec, and the rows if they could be read."""

    settings: dict[str, Any]
    splits: TextSplits | None = None
    error: str = ""


def choose_data(folder: Path, prefix: str = PREFIX) -> Choice:
    """Draws the section. An error is shown and handed on; nothing is raised.

    Args:
        folder: The runs folder, where uploads are kept.
        prefix: Of the page's settings in the session; some of them decide which rows are read.
    """
    st.session_state.setdefault(keys.SOURCE, SAMPLE)
    source = st.segmented_control(
        "Data", SOURCES, key=keys.SOURCE, required=True, persist_state="session",
        label_visibility="collapsed",
    )  # fmt: skip
    kept = kept_uploads(folder / UPLOADS_FOLDER)
    try:
        settings = (
            _file(folder, kept, prefix)
            if source == FILE
            else _glue()
            if source == GLUE
            else _sample()
        )
        if isinstance(settings, str):
            return Choice({}, error=settings)
        splits = _read(settings, prefix)
    except DataError as error:
        st.error(escape_markdown(in_users_names(str(error), kept)), icon=":material/error:")
        return Choice({}, error="The data can't be used yet; see there.")
    if splits is not None:
        draw_preview(splits)
    return Choice(settings, splits)


def in_users_names(text: str, kept: Sequence[KeptFile]) -> str:
    """An error with kept files called as the user calls them."""
    for name, file in shown_names(kept).items():
        text = text.replace(file.path.name, name)
    return text


def file_settings(path: Path, kept: Sequence[KeptFile]) -> tuple[dict[str, Any], bool]:
    """Draws how a file is read, which columns are learned from and on what it is scored.

    Args:
        path: A kept file, or one of a run that is repeated.
        kept: Every kept file.

    Returns:
        Settings of a spec, and whether all is known that a run has to know.

    Raises:
        DataError: If the file can't be read, or not so.
    """
    task = choose_task(path, _is_table(path))
    if task in LANGUAGE_TASKS:
        return language_settings(task, path, kept), True
    read_as, look = choose_format(path)
    grid = st.grid(5, min_column_width=170, vertical_alignment="bottom")
    columns = map_columns(grid, path, look, Reading(**read_as))
    used = [columns[f"{what}_column"] for what in ("text", "pair", "label")]
    free = [name for name in look.names if name not in used]
    split = look.split if look.split in free else None
    settings = {
        "task": FILE_TASK,
        "data": str(path),
        **read_as,
        **columns,
        **choose_validation(grid, path, free, kept, split or ""),
        "cleaning": cleaning_of(path),
    }
    return settings, look.format.header is not None


def _is_table(path: Path) -> bool:
    try:
        look_at(path, Reading(**chosen_format(path.name)))
    except DataError:
        return is_called_table(path.name)
    return True


def file_values(spec: RunSpec) -> dict[str, Any]:
    """What the boxes of a spec's file hold with its settings: key in the session -> value."""
    file = Path(str(spec.data)).name
    values = {
        **{name: getattr(spec, name) for name in PLAIN},
        **language_values(spec),
        "encoding": spec.encoding or "",
        "pair_column": spec.pair_column or NO_PAIR,
        "validation": validation_key(spec.split_column, spec.validation_data),
        "cleaning": list(spec.cleaning),
    }
    return {keys.of_file(name, file): value for name, value in values.items() if value is not None}


def _sample() -> dict[str, Any]:
    st.caption("English sentences, well formed or broken by one fault. Comes with the program.")
    return {"task": SAMPLE_TASK}


def _glue() -> dict[str, Any]:
    left, right = st.columns([1, 3])
    task = left.selectbox("Task", GLUE_TASKS, key=keys.GLUE_TASK, persist_state="session")
    st.session_state.setdefault(keys.GLUE_DIR, os.environ.get(GLUE_DIR_VARIABLE, ""))
    glue_dir = right.text_input(
        "Folder", key=keys.GLUE_DIR, help=help_of("glue_dir"), persist_state="session",
        placeholder="empty: download from the hub",
    )  # fmt: skip
    return {"task": task, "glue_dir": glue_dir.strip() or None}


def _file(folder: Path, kept: Sequence[KeptFile], prefix: str) -> dict[str, Any] | str:
    """A kept file, chosen or uploaded, and what is said about it; or what is still to be said."""
    path = _choose_file(folder, kept)
    if path is None:
        return "Choose a file first."
    settings, known = file_settings(path, kept)
    if not known:
        return "Say first whether the first row is data."
    length = st.session_state.get(f"{prefix}max_length")
    report = data_report(make_spec({**settings, "max_length": length}))
    draw_done(path)
    draw_findings(path, report.faults, short=True)
    return settings


def _choose_file(folder: Path, kept: Sequence[KeptFile]) -> Path | None:
    """The box of kept files, next to the one for another; without any, the latter alone."""
    here = st.container(horizontal=True, vertical_alignment="bottom")
    with here.popover("Upload another", icon=":material/upload:") if kept else st.container():
        upload = draw_upload(folder / UPLOADS_FOLDER, keys.UPLOAD)
    if upload.path:
        st.session_state[keys.FILE] = str(upload.path)
        st.rerun()
    if upload.refused:
        st.session_state[keys.FILE] = None
    names = {str(file.path): name for name, file in shown_names(kept).items()}
    chosen = st.session_state.get(keys.FILE)
    if chosen and chosen not in names and Path(chosen).is_file():
        names[chosen] = f"{Path(chosen).name} (not uploaded)"  # of a run that is repeated
    if not names:
        return None
    if chosen not in names:
        st.session_state[keys.FILE] = None
    picked = here.selectbox(
        "Data set", list(names), index=None, key=keys.FILE, format_func=names.__getitem__,
        persist_state="session", placeholder="Choose a kept file", help="What you uploaded, here "
        "or on the page Data, newest first.",
    )  # fmt: skip
    return Path(picked) if picked else None


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
