"""The user's own rows: kept files, their columns, and what is known of their rows before a run."""

from pathlib import Path

import numpy as np
import pandas as pd

from app.reading.cache import changed_ns, copied
from finegates.data.cells import cells_of
from finegates.data.columns import Columns, resolve_columns
from finegates.data.report import DataReport, report_on
from finegates.data.sample import load_sample
from finegates.data.splits import TextSplits, load_splits
from finegates.data.uploads import KeptFile, kept_files
from finegates.data.user_files import read_frame
from finegates.errors import DataError
from finegates.models.tokens import token_counts
from finegates.spec import RunSpec

UPLOADS_FOLDER = ".uploads"
"""In the folder of runs."""


def kept_uploads(folder: Path) -> list[KeptFile]:
    """The files that the user uploaded, newest first.

    Args:
        folder: `UPLOADS_FOLDER` of the runs folder.
    """
    return kept_files(folder)


def read_upload(path: Path) -> None:
    """Reads a file that has only now been kept, for the pages that will show it.

    Raises:
        DataError: If it can't be read.
    """
    guessed_columns(path)


def guessed_columns(path: Path) -> tuple[list[str], Columns | None, str]:
    """The columns of a user's file, what each seems to be, and why that can't be said.

    Raises:
        DataError: If the file can't be read.
    """
    return _guessed_columns(str(path), changed_ns(path))


@copied(8)
def _guessed_columns(path: str, changed_ns: int) -> tuple[list[str], Columns | None, str]:
    frame = _file_frame(path, changed_ns)
    names = [str(name) for name in frame.columns]
    try:
        return names, resolve_columns(frame), ""
    except DataError as error:
        return names, None, str(error)


def splits_of(spec: RunSpec) -> TextSplits:
    """Training and validation rows of a spec with only its data settings set.

    Raises:
        DataError: If the data can't be read, or can't be learned from.
    """
    return _splits(spec, _changed_ns(spec))


@copied(8)
def _splits(spec: RunSpec, changed_ns: int) -> TextSplits:
    return load_splits(spec)


def data_report(spec: RunSpec) -> DataReport:
    """What is known of the rows of a file, or of the sample, before a run.

    Raises:
        DataError: If the file can't be read.
    """
    return _report(spec, _changed_ns(spec))


@copied(4)
def _report(spec: RunSpec, changed_ns: int) -> DataReport:
    return report_on(_frame(spec, changed_ns), spec)


def data_rows(spec: RunSpec, numbers: tuple[int, ...]) -> pd.DataFrame:
    """These rows of the data, counted from 1, with their number in front."""
    return _rows(spec, _changed_ns(spec), numbers)


@copied(8)
def _rows(spec: RunSpec, changed_ns: int, numbers: tuple[int, ...]) -> pd.DataFrame:
    frame = _frame(spec, changed_ns).iloc[[number - 1 for number in numbers]].copy()
    name = "row"
    while name in frame.columns:
        name += " "
    frame.insert(0, name, numbers)
    return frame


def data_tokens(spec: RunSpec, columns: Columns, most: int) -> np.ndarray:
    """Tokens of each row for the spec's model, of at most this many rows drawn at random.

    Raises:
        FineGatesError: If the model's tokenizer is not on this machine.
    """
    return _tokens(spec, _changed_ns(spec), columns, most)


@copied(8)
def _tokens(spec: RunSpec, changed_ns: int, columns: Columns, most: int) -> np.ndarray:
    frame = _frame(spec, changed_ns)
    frame = frame.sample(min(len(frame), most), random_state=0)
    texts = [cells_of(frame[name]).tolist() for name in (columns.text, columns.pair) if name]
    return token_counts(spec.model, *texts)


@copied(4)
def _file_frame(path: str, changed_ns: int) -> pd.DataFrame:
    return read_frame(Path(path))


def _frame(spec: RunSpec, changed_ns: int) -> pd.DataFrame:
    """The rows of a file as they are, or those of the sample."""
    return _file_frame(spec.data, changed_ns) if spec.data else load_sample()


def _changed_ns(spec: RunSpec) -> int:
    return changed_ns(Path(spec.data)) if spec.data else 0
