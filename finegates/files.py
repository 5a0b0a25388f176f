"""Reads a user's own file.

Every file is untrusted: its extension is compared with its content, its size is checked before it
is read, and whatever is wrong in it is named by line or row. Rows count from 1 below the header.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from finegates.errors import DataError, unknown_name

MAX_FILE_BYTES = 200 * 1024**2
MAX_UNPACKED_BYTES = 4 * 1024**3
"""Of a Parquet file's columns: a small file may unpack to more than the memory holds."""
MAX_ROWS = 2_000_000
MAX_COLUMNS = 500
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
PARQUET_MARK = b"PAR1"
FOREIGN_MARKS = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\x1f\x8b": "a gzip archive",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
    PARQUET_MARK: "a Parquet file",
}


def check_extension(name: str) -> str:
    """The lower-case extension of a file's name; raises DataError if it is none of `READERS`."""
    extension = Path(name).suffix.lower()
    if extension not in READERS:
        raise DataError(
            f"'{name}': {unknown_name('file type', extension or 'none', READERS)} "
            "Save the file as one of these."
        )
    return extension


def check_size(name: str, size: int) -> None:
    """Raises DataError for an empty file and for one above `MAX_FILE_BYTES`."""
    if size == 0:
        raise DataError(f"'{name}' is empty. Choose a file with a header and rows.")
    if size > MAX_FILE_BYTES:
        raise DataError(
            f"'{name}' has {size / 1024**2:,.0f} MB; at most {MAX_FILE_BYTES / 1024**2:,.0f} MB "
            "are allowed. Keep fewer rows, or only the columns that are needed."
        )


def read_frame(path: Path | str) -> pd.DataFrame:
    """The file's rows. Cells of CSV and TSV stay text as written; the others keep their types.

    Args:
        path: A ``.csv``, ``.tsv``, ``.jsonl`` or ``.parquet`` file.

    Raises:
        DataError: If it is missing, too large, not what its extension says, or damaged.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"There is no file {path}. Check the path, or upload the file again.")
    extension = check_extension(path.name)
    try:
        check_size(path.name, path.stat().st_size)
        frame = READERS[extension](path)
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror or error}.") from error
    if frame.empty:
        raise DataError(
            f"'{path.name}' has no rows, at most a header. Add rows with a text and a label."
        )
    return frame


def _read_csv(path: Path) -> pd.DataFrame:
    return _table(path.name, csv.reader(_text_lines(path), strict=True))


def _read_tsv(path: Path) -> pd.DataFrame:
    """With quotes as spreadsheets write them; where those don't fit, quotes are plain characters.

    Raises:
        DataError: If neither way gives a table.
    """
    lines = _text_lines(path)
    try:
        return _table(path.name, csv.reader(lines, delimiter="\t", strict=True))
    except DataError as error:
        if '"' not in lines.getvalue():
            raise
        lines.seek(0)
        try:
            plain = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
            return _table(path.name, plain)
        except DataError:
            raise error from None


def _table(name: str, reader: Any) -> pd.DataFrame:
    csv.field_size_limit(MAX_FILE_BYTES)
    header: list[str] = []
    rows: list[list[str]] = []
    try:
        for fields in reader:
            if not fields:
                continue
            if header:
                _check_row(name, reader.line_num, len(rows), len(header), len(fields))
                rows.append(fields)
            else:
                header = _checked_header(name, fields)
    except csv.Error as error:
        raise DataError(
            f"'{name}', line {reader.line_num}: {error}. A quoted field that is not closed is "
            'the usual cause; write a quote within quotes as "".'
        ) from error
    if not header:
        raise DataError(f"'{name}' has no header line. Add one with the column names.")
    return pd.DataFrame(rows, columns=header, dtype="str")


def _check_row(name: str, line: int, rows: int, expected: int, found: int) -> None:
    if found != expected:
        raise DataError(
            f"'{name}', line {line}: {found} fields were found and the header has {expected}. "
            "Put a field that holds the separator in double quotes, or mend the line."
        )
    _check_row_count(name, rows + 1)


def _check_row_count(name: str, rows: int) -> None:
    if rows > MAX_ROWS:
        raise DataError(
            f"'{name}' has more than {MAX_ROWS:,} rows, which is the limit. Keep fewer rows."
        )


def _checked_header(name: str, names: Iterable[str]) -> list[str]:
    """The column names without outer blanks; an unnamed one gets a name."""
    header = [column.strip() or f"unnamed_{i}" for i, column in enumerate(names, start=1)]
    if len(header) > MAX_COLUMNS:
        raise DataError(
            f"'{name}' has {len(header)} columns; at most {MAX_COLUMNS} are allowed. Keep only "
            "the text and the label."
        )
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice:
        raise DataError(
            f"'{name}' has more than one column '{twice[0]}'. Give each column a name of its own."
        )
    return header


def _text_lines(path: Path) -> io.StringIO:
    """The whole file as text, with its line ends as they are."""
    content = path.read_bytes()
    _check_is_text(path.name, content)
    text = content.removeprefix(BYTE_ORDER_MARK)
    try:
        return io.StringIO(text.decode("utf-8"), newline="")
    except UnicodeDecodeError as error:
        offset = error.start + len(content) - len(text)
        line = text.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"'{path.name}' is not UTF-8: byte {offset:,} (line {line}) is no valid character. "
            "Save it as UTF-8 and try again."
        ) from error


def _check_is_text(name: str, content: bytes) -> None:
    found = next((what for mark, what in FOREIGN_MARKS.items() if content.startswith(mark)), "")
    if not found and b"\0" in content:
        found = "binary data or text in UTF-16"
    if found:
        raise DataError(
            f"'{name}' is named as text but holds {found}. Rename it if its ending is wrong, or "
            "save it as UTF-8 text."
        )


def _read_jsonl(path: Path) -> pd.DataFrame:
    rows: list[dict] = []
    columns: dict[str, None] = {}
    for number, line in enumerate(_text_lines(path), start=1):
        if not line.strip():
            continue
        row = _json_row(path.name, number, line)
        rows.append(row)
        columns.update(dict.fromkeys(row))
        _check_row_count(path.name, len(rows))
    header = _checked_header(path.name, columns)
    return pd.DataFrame({n: [r.get(c) for r in rows] for n, c in zip(header, columns, strict=True)})


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


def _read_parquet(path: Path) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with path.open("rb") as file:
        start = file.read(len(PARQUET_MARK))
    if start != PARQUET_MARK:
        raise DataError(
            f"'{path.name}' is named as Parquet but holds something else, perhaps text. Rename it "
            "to .csv, .tsv or .jsonl if it is that, or save it as Parquet."
        )
    try:
        with pq.ParquetFile(path) as file:
            header = _checked_parquet(path.name, file)
            frame = file.read().to_pandas(ignore_metadata=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"'{path.name}' is a damaged Parquet file ({error}).") from error
    return frame.set_axis(header, axis="columns")


def _checked_parquet(name: str, file: Any) -> list[str]:
    """The column names, after the sizes were checked and before any row is read."""
    footer = file.metadata
    _check_row_count(name, footer.num_rows)
    groups = (footer.row_group(i) for i in range(footer.num_row_groups))
    unpacked = sum(group.total_byte_size for group in groups)
    if unpacked > MAX_UNPACKED_BYTES:
        raise DataError(
            f"'{name}' unpacks to {unpacked / 1024**3:.1f} GB; at most "
            f"{MAX_UNPACKED_BYTES / 1024**3:.0f} GB are allowed. Keep fewer rows or columns."
        )
    return _checked_header(name, file.schema_arrow.names)


READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": _read_csv,
    ".tsv": _read_tsv,
    ".jsonl": _read_jsonl,
    ".parquet": _read_parquet,
}
"""By extension: the kinds of file that are read."""
