"""What a kept file is for: labels, texts of a language model, or its prompts and answers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from app.new import keys
from app.new.columns import NO_PAIR, column_box
from app.new.file_format import choose_format
from app.new.remedies import cleaning_of
from app.new.validation import choose_validation
from app.reading.data import FileLook, guessed_texts
from app.text import escape_markdown
from finegates.data.formats import Reading
from finegates.data.uploads import KeptFile
from finegates.spec import (
    COLUMNS_OF_TASKS,
    FILE_TASK,
    INSTRUCTIONS_TASK,
    REMEDIES_OF_TEXT,
    TEXT_TASK,
    RunSpec,
    make_spec,
)

TASKS = {FILE_TASK: "Labels", TEXT_TASK: "Text", INSTRUCTIONS_TASK: "Answers to prompts"}
HELP = (
    "Labels: a class or a number for each text. Text: what comes next, by a language model. "
    "Answers to prompts: by a language model too, of columns of prompts and answers, or of chats."
)
TITLES = {
    "text_column": "Text", "prompt_column": "Prompt", "answer_column": "Answer",
    "messages_column": "Chat",
}  # fmt: skip


def choose_task(path: Path, is_table: bool) -> str:
    """The box; a file that is no table is text.

    Args:
        path: A kept file.
        is_table: Whether it can be read as one.
    """
    key = keys.of_file("task", path.name)
    if st.session_state.get(key) not in TASKS:
        st.session_state[key] = FILE_TASK if is_table else TEXT_TASK
    st.segmented_control(
        "Learn", list(TASKS), key=key, required=True, persist_state="session",
        format_func=TASKS.__getitem__, help=HELP,
    )  # fmt: skip
    return str(st.session_state[key])


def is_plain(task: str, path: Path) -> bool:
    """Whether a file is plain text for this task."""
    return Reading.of(make_spec({"task": task, "data": str(path)})).plain


def language_settings(task: str, path: Path, kept: Sequence[KeptFile]) -> dict[str, Any]:
    """Draws how a file of a language task is read, its columns, and on what it is scored.

    Args:
        task: The task.
        path: A kept file.
        kept: Every kept file.

    Returns:
        Settings of a spec.

    Raises:
        DataError: If the file can't be read, or has no such columns.
    """
    plain = is_plain(task, path)
    read_as, look = choose_format(path, plain)
    settings: dict[str, Any] = {"task": task, "data": str(path), **read_as}
    grid = st.grid(5, min_column_width=170, vertical_alignment="bottom")
    columns = {} if plain else _columns(grid, settings, path, look)
    free = [name for name in look.names if name not in columns.values()]
    split = look.split if look.split in free else None
    scored = choose_validation(grid, path, [] if plain else free, kept, split or "")
    cleaning = tuple(name for name in cleaning_of(path) if name in REMEDIES_OF_TEXT)
    return {**settings, **columns, **scored, "cleaning": cleaning}


def _columns(
    grid: Any, settings: dict[str, Any], path: Path, look: FileLook
) -> dict[str, str | None]:
    guess = guessed_texts(path, make_spec(settings))
    chats = settings["task"] == INSTRUCTIONS_TASK and guess.pair is None
    if guess.question:
        st.info(escape_markdown(guess.question), icon=":material/rule:")

    def box(setting: str, options: Sequence[str], found: str) -> str:
        return column_box(grid, TITLES[setting], setting, options, found, path)

    if settings["task"] == TEXT_TASK:
        return {"text_column": box("text_column", look.names, guess.text)}
    offered = [NO_PAIR, *look.names]
    chat = box("messages_column", offered, guess.text if chats else NO_PAIR)
    if chat != NO_PAIR:
        return {"messages_column": chat}
    return {
        "prompt_column": box("prompt_column", look.names, guess.text),
        "answer_column": box("answer_column", look.names, guess.pair or ""),
    }


def language_values(spec: RunSpec) -> dict[str, Any]:
    """What the boxes of a language task hold with a spec's settings, by the setting's name."""
    values = {"task": spec.task} | {
        name: getattr(spec, name) for name in COLUMNS_OF_TASKS[spec.task]
    }
    if spec.task == INSTRUCTIONS_TASK and not spec.messages_column:
        values["messages_column"] = NO_PAIR
    return values
