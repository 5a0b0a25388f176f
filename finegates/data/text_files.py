"""Reads CSV, TSV and JSONL. Errors name the line; no line is read beyond its limits."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from finegates.data import limits
from finegates.errors import DataError

FOREIGN_MARKS = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\x1f\x8b": "a gzip archive",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
    b"PAR1": "a Parquet file",
}


def read_csv(path: Path) -> pd.DataFrame:
    """A table with commas; cells stay text as written. Raises DataError."""
    content = _text_of(path)
    return _table(path.name, csv.reader(_lines(path.name, content), strict=True))


def read_tsv(path: Path) -> pd.DataFrame:
    """With quotes as spreadsheets write them; where that fails, quotes are plain characters.

    Raises:
        DataError: If neither way gives a table.
    """
    name, content = path.name, _text_of(path)
    try:
        return _table(name, csv.reader(_lines(name, content), delimiter="\t", strict=True))
    except DataError as error:
        if b'"' not in content:
            raise
        try:
            lines = _lines(name, content)
            return _table(name, csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
        except DataError:
            raise error from None


def read_jsonl(path: Path) -> pd.DataFrame:
    """An object in each line; values keep their types. Raises DataError."""
    name, nested = path.name, 0
    rows: list[dict[str, Any]] = []
    columns: dict[str, None] = {}
    for number, line in enumerate(_lines(name, _text_of(path)), start=1):
        if not line.strip():
            continue
        row = _json_row(name, number, line)
        if _may_be_nested_or_long(line):
            nested += _check_values(name, number, row)
        rows.append(row)
        columns.update(dict.fromkeys(row))
        limits.check_columns(name, len(columns))
        limits.check_counts(name, len(rows), len(columns))
        limits.check_values(name, nested, limits.MAX_INNER_VALUES)
    header = limits.checked_header(name, columns)
    return pd.DataFrame({n: [r.get(c) for r in rows] for n, c in zip(header, columns, strict=True)})


def _table(name: str, reader: Any) -> pd.DataFrame:
    csv.field_size_limit(limits.MAX_CELL_CHARACTERS)
    header: list[str] = []
    rows: list[list[str]] = []
    try:
        for fields in reader:
            if not fields:
                continue
            if header:
                _check_width(name, reader.line_num, len(header), len(fields))
                rows.append(fields)
                limits.check_counts(name, len(rows), len(header))
            else:
                header = limits.checked_header(name, fields)
    except csv.Error as error:
        raise DataError(
            f"'{name}', line {reader.line_num}: {error}. A quoted field that is not closed is "
            'the usual cause; write a quote within quotes as "".'
        ) from error
    if not header:
        raise DataError(f"'{name}' has no header line. Add one with the column names.")
    return pd.DataFrame(rows, columns=header, dtype="str")


def _check_width(name: str, line: int, expected: int, found: int) -> None:
    if found != expected:
        raise DataError(
            f"'{name}', line {line}: {found} fields were found and the header has {expected}. "
            "Put a field that holds the separator in double quotes, or mend the line."
        )


def _text_of(path: Path) -> bytes:
    """The file's bytes, once they are known to be text."""
    content = path.read_bytes()
    found = next((what for mark, what in FOREIGN_MARKS.items() if content.startswith(mark)), "")
    if not found and b"\0" in content:
        found = "binary data or text in UTF-16"
    if found:
        raise DataError(
            f"'{path.name}' is named as text but holds {found}. Rename it if its ending is wrong, "
            "or save it as UTF-8 text."
        )
    return content


def _lines(name: str, content: bytes) -> Iterator[str]:
    """Lines with their ends as they are, decoded as they are asked for; no byte order mark."""
    text = io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", newline="")
    try:
        for number, line in enumerate(text, start=1):
            if len(line) > limits.MAX_LINE_CHARACTERS:
                raise DataError(
                    f"'{name}', line {number} has {len(line):,} characters; at most "
                    f"{limits.MAX_LINE_CHARACTERS:,} are allowed. Is it one row in each line?"
                )
            yield line
    except UnicodeDecodeError:
        raise _not_utf8(name, content) from None


def _not_utf8(name: str, content: bytes) -> DataError:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return DataError(
            f"'{name}' is not UTF-8: byte {error.start:,} (line {line}) is no valid character. "
            "Save it as UTF-8 and try again."
        )
    raise AssertionError("what could not be decoded in pieces can be as a whole")


def _json_row(name: str, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line, object_pairs_hook=_without_repeats)
        if "\\u" in line:
            json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        problem = "it holds half of a character (a lone surrogate)"
    except (ValueError, RecursionError) as error:
        problem = f"it is not valid JSON ({error})"
    else:
        if isinstance(row, dict):
            return row
        problem = f"it is a {type(row).__name__} and not an object"
    raise DataError(
        f"'{name}', line {number}: {problem}. Each line has to be one object such as "
        '{"text": "...", "label": "..."}.'
    )


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        raise ValueError("an object names one of its keys twice")
    return row


def _may_be_nested_or_long(line: str) -> bool:
    """A cheap check first: of up to two million rows most are neither."""
    return len(line) > limits.MAX_CELL_CHARACTERS or "[" in line or line.find("{", 1) > 0


def _check_values(name: str, number: int, row: dict[str, Any]) -> int:
    """Refuses what is too long or nested too deeply; how many values lie in lists and objects."""
    level: list[Any] = list(row.values())
    inside = 0
    for _ in range(limits.MAX_NESTING):
        if any(isinstance(v, str) and len(v) > limits.MAX_CELL_CHARACTERS for v in level):
            raise limits.cell_too_long(name, f"line {number}")
        level = [inner for value in level for inner in _inside(value)]
        inside += len(level)
        if not level:
            return inside
    raise DataError(
        f"'{name}', line {number}: lists and objects are nested more than {limits.MAX_NESTING} "
        "deep. A row is one object with a text and a label."
    )


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
