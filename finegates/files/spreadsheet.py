"""CSV for spreadsheet programs: numbers stay numbers, and no text is a formula.

A text that begins like a formula is run when the file is opened, and a formula may start programs
or send cells away. An apostrophe before it makes it text, as in spreadsheet programs themselves.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""As OWASP lists them, with the wide forms that some programs take for the same."""

_MARK = "\u2060"
"""WORD JOINER: has no width."""


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table as CSV in which no text is a formula."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([harmless(name) for name in header])
    writer.writerows([harmless(value) for value in row] for row in rows)
    return file.getvalue()


def harmless(value: Any) -> Any:
    """The value; a text that a spreadsheet would run gets an apostrophe in front.

    A carriage return in a text becomes a line end.
    """
    if not isinstance(value, str):
        return value
    if "\r" in value:  # Python's writer does not quote it; what follows it would become a new row
        value = value.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{value}" if value.lstrip(" ").startswith(FORMULA_STARTS) else value


def no_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    """A table for the screen, whose own download as CSV writes cells as they are shown.

    What would be a formula begins with an invisible mark that makes it text.
    """
    texts = frame.select_dtypes(["object", "str"]).columns
    shown = frame.copy()
    for name in texts:
        shown[name] = frame[name].map(_marked)
    return shown.rename(columns=_marked)


def _marked(value: Any) -> Any:
    return value if harmless(value) is value else f"{_MARK}{value}"
