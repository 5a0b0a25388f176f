"""Reads a user's own file.

Every file is untrusted: its extension is compared with its content, its size is checked before it
is read, and whatever is wrong in it is named by line or row. Rows count from 1 below the header.
"""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from finegates.data.limits import check_size
from finegates.data.parquet_files import read_parquet
from finegates.data.text_files import read_csv, read_jsonl, read_tsv
from finegates.errors import DataError, shortened, unknown_name

READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".jsonl": read_jsonl,
    ".parquet": read_parquet,
}
"""By extension: the kinds of file that are read."""


def check_extension(name: str) -> str:
    """The lower-case extension of a file's name; raises DataError if it is none of `READERS`."""
    extension = Path(name).suffix.lower()
    if extension not in READERS:
        given = shortened(extension) or "none"
        raise DataError(
            f"'{shortened(name)}': {unknown_name('file type', given, READERS)} Save the file as "
            "one of these."
        )
    return extension


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
    except MemoryError as error:
        raise DataError(
            f"'{path.name}' takes more memory than there is. Keep fewer rows or columns."
        ) from error
    if frame.empty:
        raise DataError(
            f"'{path.name}' has no rows, at most a header. Add rows with a text and a label."
        )
    return frame
