"""Reads tables as text. Errors name the line; no line is read beyond its limits."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pandas as pd

from finegates.data import limits
from finegates.data.cells import MOSTLY, decimal_of, numbers_of
from finegates.data.encodings import not_in
from finegates.data.formats import COMMA, POINT, SEPARATORS, FileFormat, Reading
from finegates.data.headers import find_header, generated
from finegates.data.separators import (
    FASTTEXT,
    UNQUOTED,
    Separation,
    find_separator,
    is_named,
    is_sep_line,
    named_in,
    split_at_blank,
)
from finegates.errors import DataError, shortened

HEAD_LINES = 500
HEAD_CHARACTERS = 2**18
"""At most so much is looked at to find the separator."""
_CELLS_FOR_DECIMALS = 500

Rows = list[list[str]]


@dataclass(frozen=True)
class TextFile:
    """A file of text in memory.

    Attributes:
        name: As the user calls it, for errors.
        content: Its bytes.
        encoding: A codec of Python that reads all of it.
    """

    name: str
    content: bytes
    encoding: str

    def lines(self) -> Iterator[str]:
        """Lines with their ends as they are, decoded as they are asked for; no byte order mark.

        Raises:
            DataError: For a line beyond `limits.MAX_LINE_CHARACTERS`.
        """
        text = io.TextIOWrapper(io.BytesIO(self.content), self.encoding, newline="")
        try:
            for number, line in enumerate(text, start=1):
                if len(line) > limits.MAX_LINE_CHARACTERS:
                    raise DataError(
                        f"'{self.name}', line {number} has {len(line):,} characters; at most "
                        f"{limits.MAX_LINE_CHARACTERS:,} are allowed. Is it one row in each line?"
                    )
                yield line if number > 1 else line.lstrip("\ufeff")
        except UnicodeDecodeError as error:
            raise not_in(self.name, self.encoding, error, self.content) from None

    def head(self) -> list[str]:
        """The first lines; the last of them may be cut."""
        text = io.TextIOWrapper(io.BytesIO(self.content), self.encoding, "ignore", newline="")
        start = io.StringIO(text.read(HEAD_CHARACTERS).lstrip("\ufeff"), newline="")
        return list(islice(start, HEAD_LINES))


def read_table(
    file: TextFile, reading: Reading
) -> tuple[pd.DataFrame, FileFormat, tuple[str, ...]]:
    """The rows of a table as text, cells as written; what they were read as; what was done.

    Raises:
        DataError: With the line that is wrong.
    """
    csv.field_size_limit(limits.MAX_CELL_CHARACTERS)
    head = file.head()
    skipped = bool(head) and is_sep_line(head[0])
    found = _separation(file.name, head, skipped, reading.separator)
    header: bool | None
    if found.name == "blank":
        rows = _blank_rows(file, skipped, found.label_last)
        header, why = _blank_header(rows, reading.header)
    else:
        rows = _rows(file, found.name, skipped)
        header, why = find_header(rows, reading.header)
    if header:
        names = limits.checked_header(file.name, rows.pop(0))
    elif found.name == "blank":
        names = ["text", "label"] if found.label_last else ["label", "text"]
    else:
        names = generated(len(rows[0]))
    frame = pd.DataFrame(rows, columns=names, dtype="str")
    notes = _without_marks(frame) if found.name == "blank" else ()
    decimal, why_decimal = _decimal(frame, reading.decimal)
    certainty = {"separator": found.why, "header": why, "decimal": why_decimal}
    kept = FileFormat("table", found.name, file.encoding, decimal, header, certainty=certainty)
    return frame, kept, notes


def _separation(name: str, head: list[str], skipped: bool, asked: str) -> Separation:
    if not skipped or asked != "auto":
        return find_separator(head[skipped:], asked)
    if named := named_in(head[0]):
        return Separation(named, f"{named}: the first line, '{head[0].strip()}', says so.")
    raise DataError(
        f"'{name}' names '{shortened(head[0].strip(), 20)}' in its first line, which is no "
        "separator that is known: comma, semicolon, tab or pipe. Choose one of them."
    )


def _rows(file: TextFile, separator: str, skipped: bool) -> Rows:
    """All rows, each as wide as the first. Quotes of `UNQUOTED` files may be plain characters."""
    character = SEPARATORS[separator]
    lines = islice(file.lines(), int(skipped), None)
    try:
        return _checked(file.name, csv.reader(lines, delimiter=character, strict=True), skipped)
    except DataError as error:
        if separator not in UNQUOTED or b'"' not in file.content:
            raise
        lines = islice(file.lines(), int(skipped), None)
        plain = csv.reader(lines, delimiter=character, quoting=csv.QUOTE_NONE)
        try:
            return _checked(file.name, plain, skipped)
        except DataError:
            raise error from None


def _checked(name: str, reader: Any, skipped: bool) -> Rows:
    rows: Rows = []
    width, most = -1, limits.MAX_ROWS
    try:
        for fields in reader:
            if len(fields) == width:
                rows.append(fields)
                if len(rows) > most:
                    limits.check_counts(name, len(rows) - 1, width)
            elif not rows and fields:
                limits.check_columns(name, len(fields))
                rows.append(fields)
                width = len(fields)
                most = min(limits.MAX_ROWS, limits.MAX_CELLS // width)
            elif fields:
                raise _ragged(name, reader.line_num + skipped, width, len(fields))
    except csv.Error as error:
        raise DataError(
            f"'{name}', line {reader.line_num + skipped}: {error}. A quoted field that is not "
            'closed is the usual cause; write a quote within quotes as "".'
        ) from error
    if not rows:
        raise DataError(f"'{name}' has no header line. Add one with the column names.")
    limits.check_counts(name, len(rows) - 1, width)
    return rows


def _ragged(name: str, line: int, expected: int, found: int) -> DataError:
    return DataError(
        f"'{name}', line {line}: {found} fields were found and the header has {expected}. Put a "
        "field that holds the separator in double quotes, mend the line, or choose another "
        "separator."
    )


def _blank_rows(file: TextFile, skipped: bool, label_last: bool) -> Rows:
    """Label and text of each line, in its order."""
    rows: Rows = []
    lines = islice(file.lines(), int(skipped), None)
    for fields in split_at_blank(_bounded(file.name, lines), label_last):
        if len(fields) != 2:
            raise DataError(
                f"'{file.name}': a line has no blank: '{shortened(fields[0], 40)}'. Each needs a "
                "label, a blank and a text; mend the line, or choose another separator."
            )
        rows.append(fields)
        limits.check_counts(file.name, len(rows) - 1, 2)
    if not rows:
        raise DataError(f"'{file.name}' has no rows. Add rows with a text and a label.")
    return rows


def _bounded(name: str, lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if len(line) > limits.MAX_CELL_CHARACTERS:
            raise limits.cell_too_long(name, f"line {number}")
        yield line


def _blank_header(rows: Rows, asked: str) -> tuple[bool, str]:
    if asked != "auto":
        return asked == "yes", f"{'the first row' if asked == 'yes' else 'no row'}: as you chose."
    if is_named(rows[0]):
        return True, f"the first row: '{' '.join(rows[0])}' are names."
    return False, "no row: each line is a label and a text."


def _without_marks(frame: pd.DataFrame) -> tuple[str, ...]:
    """Takes fastText's mark off the labels. Refuses lines with several labels."""
    if "label" not in frame or not frame["label"].str.startswith(FASTTEXT).any():
        return ()
    several = frame["text"].str.startswith(FASTTEXT)
    if several.any():
        raise DataError(
            f"{several.sum():,} rows have more than one label, the first is row "
            f"{several.to_numpy().argmax() + 1:,}. One label per row is learned: keep the one that "
            "matters in each row."
        )
    frame["label"] = frame["label"].str.removeprefix(FASTTEXT)
    return (f"Took the mark '{FASTTEXT}' off the labels.",)


def _decimal(frame: pd.DataFrame, asked: str) -> tuple[str, str]:
    if asked != "auto":
        return asked, f"{asked}: as you chose."
    for column in frame.columns:
        cells = frame[column].head(_CELLS_FOR_DECIMALS)
        if decimal_of(cells) == COMMA and numbers_of(cells, COMMA).notna().mean() >= MOSTLY:
            example = next(cell for cell in cells.tolist() if "," in cell)
            return COMMA, f"comma: numbers such as {shortened(example, 20)} in '{column}'."
    return POINT, "point: no column of numbers has a decimal comma."
