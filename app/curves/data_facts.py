"""What runs learned from, in plain words: no path, no hash, no name of a setting."""

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

from app.words import NOTHING
from finegates.data.remedies import REMEDIES
from finegates.runs.names import data_name, file_name
from finegates.spec import FIELDS

SETTING_WORDS = {
    "separator": "Columns parted by",
    "encoding": "Encoding",
    "decimal": "Decimal sign",
    "header": "First row holds names",
    "text_column": "Column of the text",
    "pair_column": "Column of the second text",
    "label_column": "Column of the label",
    "problem": "What the label is",
    "split_column": "Column of the split",
    "validation_data": "Second file, for validation",
    "validation_fraction": "Share kept for validation",
    "hold_out_fraction": "Share of training rows put aside",
    "split_seed": "Seed of the rows put aside",
    "max_train_samples": "Training rows, at most",
    "max_length": "Longest text, in tokens",
}
"""Settings of the data that are shown; the others are told by what was read."""
DATA_SETTINGS = {name for name, field in FIELDS.items() if field.metadata["group"] == "Data"}
VALUES: dict[str, dict[Any, str]] = {
    "separator": {"auto": "as found", "blank": "a blank"},
    "encoding": {None: "as found"},
    "decimal": {"auto": "as found"},
    "header": {"auto": "as found"},
    "text_column": {None: "guessed"},
    "label_column": {None: "guessed"},
    "problem": {"auto": "as found", "classification": "classes", "regression": "a number"},
    "split_column": {None: "as found", "(none)": "none"},
    "max_train_samples": {None: "all"},
}  # fmt: skip


def data_facts(facts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Name of a fact -> its value, for each run; the names are the same for all.

    Args:
        facts: Of each run, from `app.reading.one_run.facts_of`.
    """
    records = [_object(of_run["data"]) for of_run in facts]
    versions = _versions([record.get("fingerprint") for record in records])
    return [
        _facts(of_run["settings"], record, version)
        for of_run, record, version in zip(facts, records, versions, strict=True)
    ]


def _facts(settings: Mapping[str, Any], record: Mapping[str, Any], version: str) -> dict[str, Any]:
    cleaned = record.get("cleaned") or [REMEDIES[name].label for name in settings["cleaning"]]
    read = {
        "Data set": data_name(settings["task"], record.get("source")),
        "Version of its rows": version,
        "Training rows": record.get("num_train"),
        "Validation rows": record.get("num_validation"),
        "Labels": record.get("labels"),
        "Scored by": record.get("metrics"),
        "Mended first": " ".join(map(str, cleaned)) or NOTHING,
    }
    asked = {words: _value(name, settings[name]) for name, words in SETTING_WORDS.items()}
    return read | asked


def _value(name: str, value: Any) -> Any:
    if name == "validation_data" and value:
        return file_name(value)
    return VALUES.get(name, {}).get(value, value)


def _versions(fingerprints: Sequence[str | None]) -> list[str]:
    """A letter for each run, the same where the rows are the same to the last character."""
    letters: dict[str, str] = {}
    for fingerprint in filter(None, fingerprints):
        letters.setdefault(fingerprint, ascii_uppercase[len(letters)])
    return [letters.get(fingerprint or "", NOTHING) for fingerprint in fingerprints]


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
