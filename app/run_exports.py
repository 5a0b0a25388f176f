"""Run rows as files: every field, with the names and units that the library gives them."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from finegates.runs import ROW_KEYS

KEYS = (*ROW_KEYS, "tags", "notes")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A text that begins so is run by spreadsheet programs; an apostrophe before it makes it text."""


def runs_csv(rows: Iterable[Mapping[str, Any]]) -> str:
    """A line for each run; tags are joined by ``;``, settings are JSON."""
    return csv_text(KEYS, ([_flat(row[key]) for key in KEYS] for row in rows))


def runs_json(rows: Iterable[Mapping[str, Any]]) -> str:
    """A list of objects, one for each run."""
    return json.dumps([{key: row[key] for key in KEYS} for row in rows], indent=1)


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table as CSV in which numbers are numbers and no text is a formula."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([_harmless(name) for name in header])
    writer.writerows([_harmless(value) for value in row] for row in rows)
    return file.getvalue()


def _flat(value: Any) -> Any:
    if isinstance(value, list):
        return ";".join(value)
    return json.dumps(value) if isinstance(value, dict) else value


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
