"""Class names that the package ``datasets`` writes into the Parquet files that it makes."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from finegates.data.limits import MAX_NAME_CHARACTERS

_KEY = b"huggingface"
_MOST_BYTES = 2**20
_MOST_NAMES = 10_000


def class_names(metadata: Mapping[bytes, bytes] | None) -> dict[str, list[str]]:
    """Column to class names in id order; empty for a file that tells none, or in a broken way."""
    written = (metadata or {}).get(_KEY, b"")
    if not written or len(written) > _MOST_BYTES:
        return {}
    try:
        features = json.loads(written)["info"]["features"]
        named: dict[str, Any] = {
            name: feature.get("names")
            for name, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    return {str(column): names for column, names in named.items() if _are_names(names)}


def _are_names(names: Any) -> bool:
    plain = isinstance(names, list) and 0 < len(names) <= _MOST_NAMES
    return plain and all(isinstance(n, str) and 0 < len(n) <= MAX_NAME_CHARACTERS for n in names)


def with_class_names(
    frame: pd.DataFrame, names: Mapping[str, list[str]]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The rows with names for ids; -1, which stands for no label, is empty. And what was done."""
    notes = []
    for column in names.keys() & {*frame.columns}:
        ids = frame[column]
        known = names[column]
        whole = ids.dropna()
        if (
            not pd.api.types.is_numeric_dtype(ids)
            or not whole.isin(np.arange(-1, len(known))).all()
        ):
            continue
        frame[column] = [
            known[int(i)] if i == i and i is not None and i >= 0 else None for i in ids
        ]
        shown = ", ".join(known[:5]) + (" ..." if len(known) > 5 else "")
        notes.append(f"'{column}' holds class ids; the file's own names were taken: {shown}.")
    return frame, tuple(notes)
