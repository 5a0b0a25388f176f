"""Reads JSON: an object in each line, objects that span lines, or one list of objects."""

import io
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from finegates.data import limits
from finegates.data.text_files import TextFile
from finegates.errors import DataError

_STRING = r'"[^"\\]*(?:\\.[^"\\]*)*"'
_TOKEN = re.compile(rf'{_STRING}|["\[\]{{}}]', re.DOTALL)
"""A string, an open one too, and what opens and closes lists and objects."""
_LISTED = re.compile(
    r'\s*\{(?:\s*"[^"\\]{1,60}"\s*:\s*(?:"[^"\\]{0,300}"|[\w.+-]+)\s*,){0,20}'
    r'\s*"[^"\\]{1,60}"\s*:\s*\[\s*\{'
)
"""An object that holds a list of objects, as some exports do: ``{"data": [{``."""
_CHUNK = 2**20
_BETWEEN = " \t\r\n,"


def json_kind(head: list[str]) -> str:
    """``"jsonl"`` (an object in each line), ``"json"`` (anything else of JSON), or ``""``.

    Args:
        head: The first lines of a file, the last of them perhaps cut.
    """
    text = "".join(head).lstrip()
    if re.match(r"\[\s*[{\]]", text):
        return "json"
    if re.match(r'\[\s*[\["]', text):
        return "jsonl"  # refused there, with the line
    if not re.match(r'\{\s*["}]', text):
        return ""
    lines = [line for line in head if line.strip()]
    whole = _is_json(lines[0])
    if _LISTED.match(text) and (not whole or len(lines) == 1):
        return "json"
    return "jsonl" if whole or not _spans_lines(text) else "json"


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _spans_lines(text: str) -> bool:
    """Whether a text begins with a sound object that is longer than a line."""
    depth = 0
    for token in _TOKEN.finditer(text):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token[0], 0)
        if depth == 0:
            return _is_json(text[: token.end()])
    return False


def read_json(file: TextFile, kind: str) -> pd.DataFrame:
    """A row for each object; values keep their types.

    Args:
        file: The file.
        kind: As `json_kind` says.

    Raises:
        DataError: With the line or row that is wrong.
    """
    name, nested = file.name, 0
    rows: list[dict[str, Any]] = []
    columns: dict[str, None] = {}
    for where, text in _lines(file) if kind == "jsonl" else _objects(file):
        row = _json_row(name, where, text)
        if _may_be_nested_or_long(text):
            nested += _check_values(name, where, row)
        rows.append(row)
        columns.update(dict.fromkeys(row))
        limits.check_columns(name, len(columns))
        limits.check_counts(name, len(rows), len(columns))
        limits.check_values(name, nested, limits.MAX_INNER_VALUES)
    if len(rows) == 1 and (turned := _by_columns(rows[0])):
        rows, columns = turned, dict.fromkeys(columns)
    header = limits.checked_header(name, columns)
    return pd.DataFrame({n: [r.get(c) for r in rows] for n, c in zip(header, columns, strict=True)})


def _by_columns(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of one object that holds whole columns, as lists or as objects of row names."""
    values = list(row.values())
    if len(values) > 1 and all(isinstance(value, list) for value in values):
        same: set[Any] = {len(value) for value in values}
    elif len(values) > 1 and all(isinstance(value, dict) for value in values):
        same = {tuple(value) for value in values}
        values = [list(value.values()) for value in values]
    else:
        return []
    if len(same) > 1 or len(values[0]) < 2:
        return []
    return [dict(zip(row, cells, strict=True)) for cells in zip(*values, strict=True)]


def _lines(file: TextFile) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(file.lines(), start=1):
        if line.strip():
            yield f"line {number}", line


def _objects(file: TextFile) -> Iterator[tuple[str, str]]:
    """Each object of a list, or of a file of objects. Only one is held in memory as text."""
    tokens = _tokens(file)
    outer, depth, number, closed = next(tokens)[0], 0, 0, False
    parts: list[str] = []
    for between, sign in tokens:
        opens, closes = sign in "[{", sign in "]}"
        if closed and opens and depth == outer:
            raise _not_json(file.name, f"row {number + 1}", "it is in a second list")
        if parts:
            parts += (between, sign)
        elif depth == outer and not closed and not closes:
            number += 1
            if between.strip(_BETWEEN) or not opens:
                raise _not_json(file.name, f"row {number}", "it is no object")
            parts = [sign]
        depth += opens - closes
        if parts and depth == outer:
            yield f"row {number}", "".join(parts)
            parts = []
        closed = closed or (closes and depth < outer)
    if depth:
        raise _not_json(
            file.name, f"row {number}", "it is not valid JSON (the file ends within it)"
        )


def _tokens(file: TextFile) -> Iterator[tuple[Any, str]]:
    """First how deep the rows lie; then each string and bracket with the text before it."""
    text = io.TextIOWrapper(io.BytesIO(file.content), file.encoding, newline="")
    buffer = text.read(_CHUNK).lstrip("\ufeff")
    yield (2 if _LISTED.match(buffer) else int(buffer.lstrip()[:1] == "[")), ""
    while buffer:
        place = 0
        for token in _TOKEN.finditer(buffer):
            if token[0] == '"':  # the rest of the string is not read yet
                break
            yield buffer[place : token.start()], token[0]
            place = token.end()
        more = text.read(_CHUNK)
        size = len(buffer) - place
        if size > limits.MAX_LINE_CHARACTERS:
            raise DataError(
                f"'{file.name}' holds a value of {size:,} characters; at most "
                f"{limits.MAX_LINE_CHARACTERS:,} are allowed. Cut the text."
            )
        if not more:
            return
        buffer = buffer[place:] + more


def _json_row(name: str, where: str, text: str) -> dict[str, Any]:
    try:
        row = json.loads(text, object_pairs_hook=_without_repeats)
        if "\\u" in text:
            json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        problem = "it holds half of a character (a lone surrogate)"
    except (ValueError, RecursionError) as error:
        problem = f"it is not valid JSON ({error})"
    else:
        if isinstance(row, dict):
            return row
        problem = f"it is a {type(row).__name__} and not an object"
    raise _not_json(name, where, problem)


def _not_json(name: str, where: str, problem: str) -> DataError:
    return DataError(
        f"'{name}', {where}: {problem}. Each {where.split()[0]} has to be one object such as "
        '{"text": "...", "label": "..."}.'
    )


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        raise ValueError("an object names one of its keys twice")
    return row


def _may_be_nested_or_long(text: str) -> bool:
    """A cheap check first: of up to two million rows most are neither."""
    return len(text) > limits.MAX_CELL_CHARACTERS or "[" in text or text.find("{", 1) > 0


def _check_values(name: str, where: str, row: dict[str, Any]) -> int:
    """Refuses what is too long or nested too deeply; how many values lie in lists and objects."""
    level: list[Any] = list(row.values())
    inside = 0
    for _ in range(limits.MAX_NESTING):
        if any(isinstance(v, str) and len(v) > limits.MAX_CELL_CHARACTERS for v in level):
            raise limits.cell_too_long(name, where)
        level = [inner for value in level for inner in _inside(value)]
        inside += len(level)
        if not level:
            return inside
    raise DataError(
        f"'{name}', {where}: lists and objects are nested more than {limits.MAX_NESTING} deep. A "
        "row is one object with a text and a label."
    )


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
