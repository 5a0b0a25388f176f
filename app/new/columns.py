"""Which columns of a kept file are learned from: guessed with a reason, and changed by boxes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from app.new import keys
from app.new.fields import ask, help_of
from app.reading.data import FileLook, guessed_columns
from app.text import escape_markdown
from finegates.data.columns import Columns
from finegates.data.user_files import Reading
from finegates.errors import DataError

NO_PAIR = "(none)"
AUTO, CLASSES, NUMBER = "auto", "classification", "regression"
PROBLEMS = {CLASSES: "classes", NUMBER: "a number"}
TEXT_AND_LABEL = 2


def map_columns(grid: Any, path: Path, look: FileLook, reading: Reading) -> dict[str, Any]:
    """Boxes for text, second text, label and problem; widgets are new for each file.

    Args:
        grid: Where the boxes are drawn.
        path: A kept file.
        look: What it was read as.
        reading: How it is read.

    Returns:
        Settings of a spec.

    Raises:
        DataError: If it has one column only, or one column was chosen for two things.
    """
    names, file = look.names, path.name
    if len(names) < TEXT_AND_LABEL:
        raise DataError(
            f"'{file}' has one column only, '{names[0]}'. A text and a label are needed in each "
            "row; add a column of labels, or read the file with another separator."
        )
    guess, problem = guessed_columns(path, reading)
    if guess is None:
        st.warning(escape_markdown(f"{problem} Choose the columns."), icon=":material/rule:")
        guess = Columns(names[0], None, names[-1], AUTO)

    def box(title: str, what: str, options: Sequence[str], found: str) -> str:
        reason = guess.reasons.get(what, "")
        return column_box(grid, title, f"{what}_column", options, found, path, reason)

    text = box("Text", "text", names, guess.text)
    pair = box("Second text", "pair", [NO_PAIR, *names], guess.pair or NO_PAIR)
    label = box("Label", "label", names, guess.label or "")
    second = None if pair == NO_PAIR else pair
    told, problem = guessed_columns(path, reading, text, second, label)
    if told is None:
        raise DataError(problem)
    chosen = _choose_problem(grid, told, file)
    if label == guess.label and (hint := guess.question.removesuffix(told.question).strip()):
        st.info(escape_markdown(hint), icon=":material/rule:")
    if chosen == AUTO and told.question:
        ask(
            "Are the labels numbers to predict, or names of classes?",
            f"{told.reasons['problem']} They could be either.",
            "problem", file, {NUMBER: "Numbers to predict", CLASSES: "Names of classes"},
        )  # fmt: skip
    return {
        "text_column": text,
        "pair_column": second,
        "label_column": label,
        "problem": chosen,
    }


def column_box(
    grid: Any, title: str, setting: str, options: Sequence[str], guess: str, path: Path,
    reason: str = "",
) -> str:  # fmt: skip
    """One box; a column that is gone, as the file is read another way, is guessed again.

    Args:
        grid: Where it is drawn.
        title: Its label.
        setting: Of a spec.
        options: Columns of the file, and what stands for none.
        guess: What it holds at first; where that is no option, the first one.
        path: A kept file.
        reason: Why that is guessed.
    """
    key = keys.of_file(setting, path.name)
    if st.session_state.get(key) not in options:
        st.session_state[key] = guess if guess in options else options[0]
    help = help_of(setting) + (f"  \n{escape_markdown(reason)}" if reason else "")
    chosen: str = grid.selectbox(title, options, key=key, help=help, persist_state="session")
    return chosen


def _choose_problem(grid: Any, guess: Columns, file: str) -> str:
    """Classes or a number, with what was found as the first choice."""
    key = keys.of_file("problem", file)
    st.session_state.setdefault(key, AUTO)
    reason = guess.reasons.get("problem", "")
    chosen: str = grid.selectbox(
        "Problem", [AUTO, *PROBLEMS], key=key, persist_state="session",
        help=help_of("problem") + (f"  \n{escape_markdown(reason)}" if reason else ""),
        format_func=lambda value: PROBLEMS.get(value, f"{PROBLEMS[guess.problem]} (found)"),
    )  # fmt: skip
    return chosen
