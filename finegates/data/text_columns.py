"""Which columns a language task learns from, and their rows under the names of the library."""

import pandas as pd

from finegates.data.chats import chats_of, is_chats
from finegates.data.columns import COLUMNS_SHOWN, Columns, first_named, guess_text, looks_at
from finegates.data.names import ANSWER_NAMES, MESSAGES_NAMES, PROMPT_NAMES
from finegates.data.rows import texts_in
from finegates.errors import DataError, unknown_name
from finegates.spec import CAUSAL_LM, TEXT_TASK, RunSpec

TEXT, PROMPT, ANSWER, MESSAGES = "text", "prompt", "answer", "messages"
_MORE_INPUT = "input"
"""A column that stands beside instructions in some files, and belongs to the prompt."""


def text_columns_of(frame: pd.DataFrame, spec: RunSpec) -> Columns:
    """The columns that a spec of a language task names, the rest guessed by name, then by content.

    Returns:
        The text, the prompt or the chats as ``text``, and the answers as ``pair``; no label.

    Raises:
        DataError: If a named column does not exist or is named twice, or none can be guessed.
    """
    named = (spec.text_column, spec.prompt_column, spec.answer_column, spec.messages_column)
    for column in filter(None, named):
        if column not in frame.columns:
            raise DataError(unknown_name("column", column, map(str, frame.columns), COLUMNS_SHOWN))
    return _of_texts(frame, spec) if spec.task == TEXT_TASK else _of_instructions(frame, spec)


def _of_texts(frame: pd.DataFrame, spec: RunSpec) -> Columns:
    if spec.text_column:
        return Columns(spec.text_column, None, None, CAUSAL_LM)
    if len(frame.columns) == 1:
        return Columns(str(frame.columns[0]), None, None, CAUSAL_LM)
    text, _, why = guess_text(looks_at(frame))
    return Columns(text, None, None, CAUSAL_LM, reasons={"text": why})


def _of_instructions(frame: pd.DataFrame, spec: RunSpec) -> Columns:
    prompt, answer, reasons = spec.prompt_column, spec.answer_column, {}
    if spec.messages_column:
        return Columns(spec.messages_column, None, None, CAUSAL_LM)
    if not (prompt or answer):
        chats = first_named(frame.columns, MESSAGES_NAMES)
        if chats and is_chats(frame[chats]):
            why = f"'{chats}' holds lists of messages."
            return Columns(chats, None, None, CAUSAL_LM, reasons={"text": why})
    if not prompt:
        free = [column for column in frame.columns if column != answer]
        prompt = _guessed(free, PROMPT_NAMES, "prompt", frame)
        reasons["text"] = f"'{prompt}' is called as prompts are."
    if not answer:
        free = [column for column in frame.columns if column != prompt]
        answer = _guessed(free, ANSWER_NAMES, "answer", frame)
        reasons["pair"] = f"'{answer}' is called as answers are."
    if prompt == answer:
        raise DataError(f"Column '{prompt}' was named twice. Name a column for each of them.")
    question = ""
    if more := first_named((c for c in frame.columns if c not in (prompt, answer)), [_MORE_INPUT]):
        question = f"'{more}' is not read; if it belongs to the prompt, join it to '{prompt}'."
    return Columns(prompt, answer, None, CAUSAL_LM, reasons=reasons, question=question)


def _guessed(free: list[str], names: list[str], what: str, frame: pd.DataFrame) -> str:
    found = first_named(free, names)
    if found is None:
        columns = ", ".join(map(str, frame.columns[:COLUMNS_SHOWN]))
        raise DataError(
            f"No column looks like the {what}. Name it with {what}_column, or chats with "
            f"messages_column; the columns are {columns}."
        )
    return found


def text_rows(frame: pd.DataFrame, columns: Columns, task: str) -> pd.DataFrame:
    """The rows to learn from, all checked: ``text``; ``prompt`` and ``answer``; or ``messages``.

    Args:
        frame: The rows; their index counts the file's rows from 0.
        columns: From `text_columns_of`.
        task: The task.

    Returns:
        The frame, in the file's order; chats as `finegates.data.chats.chats_of` has them.

    Raises:
        DataError: With the first rows for a text that is missing or can't be used.
    """
    if columns.pair:
        prompts = texts_in(frame[columns.text], PROMPT)
        return pd.DataFrame({PROMPT: prompts, ANSWER: texts_in(frame[columns.pair], ANSWER)})
    if task != TEXT_TASK:
        return pd.DataFrame({MESSAGES: chats_of(frame[columns.text])})
    return pd.DataFrame({TEXT: texts_in(frame[columns.text], TEXT)})
