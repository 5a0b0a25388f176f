"""Run rows as files: every field, with the names and units that the library gives them."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from finegates.files.spreadsheet import csv_text, harmless
from finegates.runs.folder import ROW_KEYS

KEYS = (*ROW_KEYS, "keeps", "tags", "notes")


def runs_csv(rows: Iterable[Mapping[str, Any]]) -> str:
    """A line for each run; tags are joined by ``;``, settings are JSON."""
    return csv_text(KEYS, ([_flat(row[key]) for key in KEYS] for row in rows))


def runs_json(rows: Iterable[Mapping[str, Any]]) -> str:
    """A list of objects, one for each run."""
    return json.dumps([{key: row[key] for key in KEYS} for row in rows], indent=1)


def _flat(value: Any) -> Any:
    if isinstance(value, list):
        return ";".join(map(harmless, value))
    return json.dumps(value) if isinstance(value, dict) else value
