"""Reads a user's own file, whatever its name ends with: its content decides.

Every file is untrusted: its size is checked before it is read, and whatever is wrong in it is named
by line or row. Rows count from 1 below the header.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from finegates.data.documents import read_documents
from finegates.data.encodings import check_is_text, find_encoding
from finegates.data.formats import FileFormat, Reading
from finegates.data.json_files import json_kind, read_json
from finegates.data.limits import check_size
from finegates.data.nested import unnest
from finegates.data.packed import GZIP_MARK, unpacked
from finegates.data.parquet_files import PARQUET_MARK, read_parquet
from finegates.data.text_files import TextFile, read_table
from finegates.errors import DataError

__all__ = ["ReadFile", "Reading", "read_file", "read_frame"]


@dataclass(frozen=True)
class ReadFile:
    """A file's rows.

    Attributes:
        frame: The rows. Cells of tables as text stay as written; the others keep their types.
        format: What the file was read as.
        notes: What was done to the rows, or lost, in sentences.
    """

    frame: pd.DataFrame
    format: FileFormat
    notes: tuple[str, ...] = ()


def read_frame(path: Path | str, reading: Reading | None = None) -> pd.DataFrame:
    """The rows alone, as `read_file`."""
    return read_file(path, reading).frame


def read_file(path: Path | str, reading: Reading | None = None) -> ReadFile:
    """The file's rows, and what it was read as.

    Args:
        path: A table as text, JSON, or Parquet; text may be packed with gzip.
        reading: What is known of it; all is found if None.

    Raises:
        DataError: If it is missing, too large, no table, or damaged.
    """
    path, reading = Path(path), reading or Reading()
    if not path.is_file():
        raise DataError(f"There is no file {path}. Check the path, or upload the file again.")
    try:
        check_size(path.name, path.stat().st_size)
        read = _read(path, reading)
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror or error}.") from error
    except MemoryError as error:
        raise DataError(
            f"'{path.name}' takes more memory than there is. Keep fewer rows or columns."
        ) from error
    if read.frame.empty:
        raise DataError(
            f"'{path.name}' has no rows, at most a header. Add rows with a text and a label."
        )
    return read


def _read(path: Path, reading: Reading) -> ReadFile:
    with path.open("rb") as file:
        start = file.read(len(PARQUET_MARK))
    if start == PARQUET_MARK:
        frame, notes = read_parquet(path)
        frame, more = unnest(frame)
        return ReadFile(frame, FileFormat("parquet"), (*notes, *more))
    content = path.read_bytes()
    packed = content.startswith(GZIP_MARK)
    if packed:
        content = unpacked(path.name, content)
        check_size(path.name, len(content))
    return _read_text(path.name, content, packed, reading)


def _read_text(name: str, content: bytes, packed: bool, reading: Reading) -> ReadFile:
    check_is_text(name, content)
    encoding, why = find_encoding(name, content, reading.encoding)
    file = TextFile(name, content, encoding)
    if reading.plain:
        frame, notes = read_documents(file)
        found = FileFormat("text", encoding=encoding, compressed=packed)
        return ReadFile(frame, replace(found, certainty={"encoding": why}), notes)
    kind = json_kind(file.head()) if reading.separator == "auto" else ""
    if kind:
        frame, notes = unnest(read_json(file, kind))
        found = FileFormat(kind, encoding=encoding)
    else:
        frame, found, notes = read_table(file, reading)
    certainty = {**found.certainty, "encoding": why}
    return ReadFile(frame, replace(found, compressed=packed, certainty=certainty), notes)
