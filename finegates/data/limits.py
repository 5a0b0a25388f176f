"""How large a user's file may be in every direction, and the sentences for one that is larger.

A limit is checked before what it bounds is read or built, so that no file takes more than a few
times the memory of the largest one that is allowed.
"""

from collections.abc import Iterable

from finegates.errors import DataError, shortened

MAX_FILE_BYTES = 200 * 1024**2
MAX_UNPACKED_BYTES = 1024**3
"""Of a Parquet file's cells: a file of two kilobytes may hold one long text a million times."""
MAX_ROWS = 2_000_000
MAX_COLUMNS = 500
MAX_CELLS = 10_000_000
"""Rows times columns; an empty cell takes memory too."""
MAX_INNER_VALUES = 2_000_000
"""In lists and objects of JSON: no run learns from them, and each takes an object's memory."""
MAX_CELL_CHARACTERS = 1_000_000
MAX_LINE_CHARACTERS = 10_000_000
MAX_NAME_CHARACTERS = 200
"""Of a column."""
MAX_NESTING = 32
"""Of lists and objects in a JSON row."""


def check_size(name: str, size: int) -> None:
    """Raises DataError for an empty file and for one above `MAX_FILE_BYTES`."""
    if size == 0:
        raise DataError(f"'{name}' is empty. Choose a file with a header and rows.")
    if size > MAX_FILE_BYTES:
        raise DataError(
            f"'{name}' has {size / 1024**2:,.0f} MB; at most {MAX_FILE_BYTES / 1024**2:,.0f} MB "
            "are allowed. Keep fewer rows, or only the columns that are needed."
        )


def check_counts(name: str, rows: int, columns: int) -> None:
    """Raises DataError for too many rows, or too many rows of that many columns."""
    if rows > MAX_ROWS:
        raise DataError(
            f"'{name}' has more than {MAX_ROWS:,} rows, which is the limit. Keep fewer rows."
        )
    if rows * columns > MAX_CELLS:
        raise DataError(
            f"'{name}' has {columns} columns and more than {MAX_CELLS:,} cells, which is the "
            "limit. Keep fewer rows, or only the columns that are needed."
        )


def check_values(name: str, number: int, most: int) -> None:
    """Raises DataError for too many values, those in lists and objects among them."""
    if number > most:
        raise DataError(
            f"'{name}' holds more than {most:,} values in lists and objects, which is the limit. "
            "Keep only the columns that are needed."
        )


def check_columns(name: str, columns: int) -> None:
    """Raises DataError for too many columns."""
    if columns > MAX_COLUMNS:
        raise DataError(
            f"'{name}' has {columns} columns; at most {MAX_COLUMNS} are allowed. Keep only the "
            "text and the label."
        )


def checked_header(name: str, names: Iterable[str]) -> list[str]:
    """The column names without outer blanks; an unnamed one gets a name.

    Raises:
        DataError: If there are too many, one is too long, or one occurs twice.
    """
    header = [column.strip() or f"unnamed_{i}" for i, column in enumerate(names, start=1)]
    check_columns(name, len(header))
    for place, column in enumerate(header, start=1):
        if len(column) > MAX_NAME_CHARACTERS:
            raise DataError(
                f"'{name}': the name of column {place} has {len(column):,} characters; at most "
                f"{MAX_NAME_CHARACTERS} are allowed. Perhaps the header line is missing."
            )
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice:
        raise DataError(
            f"'{name}' has more than one column '{shortened(twice[0])}'. Give each column a name "
            "of its own."
        )
    return header


def cell_too_long(name: str, where: str) -> DataError:
    """The error for a cell above `MAX_CELL_CHARACTERS`."""
    return DataError(
        f"'{name}', {where}: a cell has more than {MAX_CELL_CHARACTERS:,} characters, which is the "
        "limit. Cut the text; models read its first few hundred words only."
    )
