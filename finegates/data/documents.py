"""Reads plain text: its documents are the rows."""

from collections.abc import Iterator

import pandas as pd

from finegates.data.limits import check_counts
from finegates.data.text_files import TextFile
from finegates.errors import DataError

TEXT = "text"
"""What the one column is called."""
END_OF_TEXT = "<|endoftext|>"
"""On a line of its own, as files of language modelling have it, it parts documents."""


def read_documents(file: TextFile) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """A row for each document, and how they are parted.

    Lines of `END_OF_TEXT` part them; without any, blank lines do; without those, each line is one.

    Raises:
        DataError: If there is no text in it, or there are too many documents.
    """
    lines = [line.rstrip("\r\n") for line in file.lines()]
    if any(line.strip() == END_OF_TEXT for line in lines):
        by, found = f"lines of {END_OF_TEXT}", _parted(lines, END_OF_TEXT)
    else:
        by, found = "blank lines", _parted(lines, "")
    documents = [document for document in found if document]
    if len(documents) == 1:
        by, documents = "lines", [line for line in lines if line.strip()]
    if not documents:
        raise DataError(f"'{file.name}' holds no text, only blank lines. Choose another file.")
    check_counts(file.name, len(documents), 1)
    return (
        pd.DataFrame({TEXT: documents}, dtype="str"),
        (f"Read {len(documents):,} documents, parted by {by}.",),
    )


def _parted(lines: list[str], mark: str) -> Iterator[str]:
    """The lines between marks, joined."""
    part: list[str] = []
    for line in lines:
        if line.strip() == mark:
            yield "\n".join(part).strip("\n")
            part = []
        else:
            part.append(line)
    yield "\n".join(part).strip("\n")
