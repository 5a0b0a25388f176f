"""Chats in a column: lists of messages, checked and brought into one form."""

import json
from typing import Any

import numpy as np
import pandas as pd

from finegates.data.cells import cells_of
from finegates.errors import DataError, shortened

ROLES = ("system", "user", "assistant", "tool")
ANSWERS = "assistant"
_SHAPE = '[{"role": "user", "content": "..."}, {"role": "assistant", "content": "..."}]'
_OTHER_NAMES = {"human": "user", "gpt": ANSWERS}
"""Of roles in files whose messages have ``from`` and ``value``."""


def chats_of(column: pd.Series) -> pd.Series:
    """Each chat as JSON: a list of messages with ``role`` and ``content``, an answer the last.

    Args:
        column: Lists of objects, or JSON text of them.

    Raises:
        DataError: With the row of the first cell that is no chat, or has no answer at its end.
    """
    found = [_chat(cell, place, str(column.name)) for place, cell in column.items()]
    return pd.Series(found, column.index, dtype="str")


def messages_of(chat: str) -> list[dict[str, str]]:
    """The messages of a chat that `chats_of` gave."""
    return json.loads(chat)


def chat_text(cell: Any) -> str:
    """A cell as `chats_of` writes it if it is a chat, as it is otherwise."""
    messages = _messages(cell)
    if messages is None:
        return cells_of(pd.Series([cell], dtype=object)).iloc[0]
    return _written(messages)


def _written(messages: list[dict[str, str]]) -> str:
    return json.dumps(messages, ensure_ascii=False)


def is_chats(column: pd.Series) -> bool:
    """Whether a column's first cell that is filled is a chat."""
    for cell in column.tolist():
        if cell is None or (isinstance(cell, str) and not cell.strip()):
            continue
        return _messages(cell) is not None
    return False


def _chat(cell: Any, place: Any, name: str) -> str:
    where = f"row {int(place) + 1:,} (from 1, below the header)"
    messages = _messages(cell)
    if messages is None:
        given = chat_text(cell)
        raise DataError(
            f"The column '{name}' is no list of messages in {where}: '{shortened(given, 40)}'. "
            f"Each has to be like {_SHAPE}."
        )
    for message in messages:
        if message["role"] not in ROLES:
            raise DataError(
                f"The column '{name}' has a message by '{shortened(message['role'], 40)}' in "
                f"{where}; allowed roles are {', '.join(ROLES)}."
            )
    last = messages[-1] if messages else {"role": "", "content": ""}
    if last["role"] != ANSWERS or not last["content"].strip():
        raise DataError(
            f"The chat in the column '{name}' ends without an answer by the assistant in {where}. "
            "Add the answer, or leave the row out."
        )
    return _written(messages)


def _messages(cell: Any) -> list[dict[str, str]] | None:
    """Role and content of each message; None if it is no list of messages."""
    if isinstance(cell, str):
        try:
            cell = json.loads(cell)
        except (ValueError, RecursionError):
            return None
    if not isinstance(cell, (list, tuple, np.ndarray)):
        return None
    found = [_message(entry) for entry in cell]
    return None if None in found else [entry for entry in found if entry is not None]


def _message(entry: Any) -> dict[str, str] | None:
    if not isinstance(entry, dict):
        return None
    role, content = entry.get("role", entry.get("from")), entry.get("content", entry.get("value"))
    if not isinstance(role, str) or not isinstance(content, str):
        return None
    return {"role": _OTHER_NAMES.get(role, role), "content": content}
