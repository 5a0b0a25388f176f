"""Reads Parquet. What a file declares about itself is checked before any row is unpacked.

A Parquet file may store a value once and repeat it at no cost, so neither its size nor the sizes in
its footer bound what it unpacks to. Columns that could unpack to too much are examined first in a
form that stores repeated values once, or a few rows at a time.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from finegates.data import limits
from finegates.data.class_names import class_names, with_class_names
from finegates.errors import DataError, first_line, shortened

PARQUET_MARK = b"PAR1"
_BATCH_BYTES = 64 * 1024**2
_MOST_FOOTER_ENTRIES = 20_000
"""Of one list in the footer: its columns, and its row groups."""
_REPEATING = {"PLAIN_DICTIONARY", "RLE_DICTIONARY"}
_SHARING_STARTS = "DELTA_BYTE_ARRAY"


def read_parquet(path: Path) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The rows of a Parquet file, values with their types, and what was done to them.

    Class ids of a file that the package ``datasets`` wrote become the names that it gives them.

    Raises:
        DataError: If it is damaged, or would unpack to too much.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, thrift_container_size_limit=_MOST_FOOTER_ENTRIES) as file:
            header = _checked_footer(path.name, file)
            _check_unpacked(path, file.metadata)
            table = file.read(use_threads=False)
        _check_cells(path.name, table)
        names = class_names(table.schema.metadata)
        plain = table.replace_schema_metadata(None)  # pandas' own words are parsed even if ignored
        frame = plain.to_pandas(ignore_metadata=True)
    except (pa.ArrowException, OSError, ValueError, MemoryError, OverflowError) as error:
        what = shortened(first_line(error), 200)
        raise DataError(f"'{path.name}' is a damaged Parquet file ({what}).") from error
    return with_class_names(frame.set_axis(header, axis="columns"), names)


def _checked_footer(name: str, file: Any) -> list[str]:
    """The column names, once everything that the footer declares has been checked."""
    footer = file.metadata
    limits.check_columns(name, footer.num_columns)
    limits.check_counts(name, footer.num_rows, footer.num_columns)
    chunks = list(_chunks(footer))
    limits.check_values(name, sum(c.num_values for _, c in chunks), limits.MAX_CELLS)
    _check_bytes(name, sum(chunk.total_uncompressed_size for _, chunk in chunks))
    fixed = sum(
        footer.schema.column(i).length * chunk.num_values
        for i, chunk in chunks
        if chunk.physical_type == "FIXED_LEN_BYTE_ARRAY"
    )
    _check_bytes(name, fixed)
    return limits.checked_header(name, file.schema_arrow.names)


def _chunks(footer: Any) -> Iterator[tuple[int, Any]]:
    """Each column's part of each row group, with the number of the column."""
    for number in range(footer.num_row_groups):
        group = footer.row_group(number)
        for i in range(footer.num_columns):
            yield i, group.column(i)


def _check_bytes(name: str, unpacked: float) -> None:
    if unpacked > limits.MAX_UNPACKED_BYTES:
        raise DataError(
            f"'{name}' unpacks to {unpacked / 1024**3:.1f} GB or more; at most "
            f"{limits.MAX_UNPACKED_BYTES / 1024**3:.0f} GB are allowed. Keep fewer rows or columns."
        )


def _check_unpacked(path: Path, footer: Any) -> None:
    """Examines text columns that could unpack to more than their footer declares."""
    most: dict[str, int] = {}
    ways: dict[str, set[str]] = {}
    for _, chunk in _chunks(footer):
        column, encodings = chunk.path_in_schema, {*chunk.encodings}
        if chunk.physical_type == "BYTE_ARRAY" and encodings & (_REPEATING | {_SHARING_STARTS}):
            most[column] = most.get(column, 0) + chunk.num_values * chunk.total_uncompressed_size
            ways[column] = ways.get(column, set()) | encodings
    for column, size in most.items():
        if size > limits.MAX_UNPACKED_BYTES:
            _measure(path, column, footer, slowly=_SHARING_STARTS in ways[column])


def _measure(path: Path, column: str, footer: Any, slowly: bool) -> None:
    """Reads one column in as little memory as possible, and adds up the size of its texts."""
    import pyarrow.parquet as pq

    largest = max(c.total_uncompressed_size for _, c in _chunks(footer))
    rows = max(1, _BATCH_BYTES // max(largest, 1)) if slowly else 2**16
    total = 0
    with pq.ParquetFile(path, read_dictionary=[] if slowly else [column]) as file:
        for batch in file.iter_batches(rows, columns=[column], use_threads=False):
            total += sum(_text_bytes(array) for array in batch.columns)
            _check_bytes(path.name, total)


def _text_bytes(array: Any) -> int:
    """Bytes of all texts in an array, each counted as often as it occurs."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(array, pa.DictionaryArray):
        lengths = pc.binary_length(array.dictionary).cast("int64")
        return pc.sum(lengths.take(array.indices)).as_py() or 0
    if isinstance(array, pa.StructArray):
        return sum(_text_bytes(part) for part in array.flatten())
    if isinstance(array, pa.MapArray):
        return _text_bytes(array.keys) + _text_bytes(array.items)
    if isinstance(array, pa.ListArray | pa.LargeListArray | pa.FixedSizeListArray):
        return _text_bytes(array.flatten())
    return array.nbytes


def _check_cells(name: str, table: Any) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    for column in table.columns:
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            longest = pc.max(pc.utf8_length(column)).as_py() or 0
            if longest > limits.MAX_CELL_CHARACTERS:
                row = pc.index(pc.utf8_length(column), longest).as_py() + 1
                raise limits.cell_too_long(name, f"row {row}")
