"""The user's own rows: kept files, their columns, and what is known of their rows before a run."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from app.reading.cache import changed_ns, copied
from finegates.data.blocks import first_block
from finegates.data.cells import cells_of
from finegates.data.columns import Columns, resolve_columns
from finegates.data.formats import FileFormat, is_called_table
from finegates.data.report import DataReport, report_on
from finegates.data.sample import load_sample
from finegates.data.sides import find_split_column
from finegates.data.splits import TextSplits, load_splits, splits_of_file
from finegates.data.text_columns import text_columns_of
from finegates.data.uploads import KeptFile, kept_files
from finegates.data.user_files import ReadFile, Reading, read_file
from finegates.errors import DataError
from finegates.models.tokens import token_counts, unknown_share
from finegates.spec import RunSpec

UPLOADS_FOLDER = ".uploads"
"""In the folder of runs."""


@dataclass(frozen=True)
class FileLook:
    """How a file was read.

    Attributes:
        format: What was found, and what was asked.
        notes: What was done on the way, in sentences.
        names: Its columns.
        first: Cells of its first row, as text.
        split: The column that says which rows are for training, if one does.
    """

    format: FileFormat
    notes: tuple[str, ...]
    names: list[str]
    first: list[str]
    split: str | None


def kept_uploads(folder: Path) -> list[KeptFile]:
    """The files that the user uploaded, newest first.

    Args:
        folder: `UPLOADS_FOLDER` of the runs folder.
    """
    return kept_files(folder)


def look_at(path: Path, reading: Reading) -> FileLook:
    """How a user's file was read.

    Raises:
        DataError: If it can't be read.
    """
    return _look(str(path), changed_ns(path), reading)


@copied(8)
def _look(path: str, changed_ns: int, reading: Reading) -> FileLook:
    read = _read(path, changed_ns, reading)
    first = [str(value) for value in read.frame.iloc[0].tolist()]
    names = [str(name) for name in read.frame.columns]
    return FileLook(read.format, read.notes, names, first, find_split_column(read.frame))


def guessed_columns(
    path: Path, reading: Reading, text: str | None = None, pair: str | None = None,
    label: str | None = None,
) -> tuple[Columns | None, str]:  # fmt: skip
    """What each column of a user's file seems to be, and why that can't be said.

    Args:
        path: A kept file.
        reading: How it is read.
        text: What is known already, as are the others; the rest is guessed.

    Raises:
        DataError: If the file can't be read.
    """
    return _guessed_columns(str(path), changed_ns(path), reading, text, pair, label)


@copied(16)
def _guessed_columns(
    path: str, changed_ns: int, reading: Reading, text: str | None, pair: str | None,
    label: str | None,
) -> tuple[Columns | None, str]:  # fmt: skip
    frame = _read(path, changed_ns, reading).frame
    try:
        return resolve_columns(frame, text, pair, label, decimal=reading.decimal), ""
    except DataError as error:
        return None, str(error)


def guessed_texts(path: Path, spec: RunSpec) -> Columns:
    """The columns that a language task learns from, as they are guessed if the spec names none.

    Raises:
        DataError: If the file can't be read, or none looks like it.
    """
    return _guessed_texts(str(path), changed_ns(path), spec)


@copied(8)
def _guessed_texts(path: str, changed_ns: int, spec: RunSpec) -> Columns:
    return text_columns_of(_read(path, changed_ns, Reading.of(spec)).frame, spec)


def look_at_any(path: Path, reading: Reading) -> FileLook:
    """As `look_at`; a file that is no table, and is not called like one, is read as plain text.

    Raises:
        DataError: If it can't be read as either.
    """
    try:
        return look_at(path, reading)
    except DataError:
        if is_called_table(path.name):
            raise
        return look_at(path, replace(reading, plain=True))


def splits_of(spec: RunSpec) -> TextSplits:
    """Training and validation rows of a spec with only its data settings set.

    Raises:
        DataError: If the data can't be read, or can't be learned from.
    """
    return _splits(spec, _changed_ns(spec))


@copied(8)
def _splits(spec: RunSpec, changed_ns: int) -> TextSplits:
    return splits_of_file(_file(spec), spec) if spec.data else load_splits(spec)


def data_report(spec: RunSpec) -> DataReport:
    """What is known of the rows of a file, or of the sample, before a run.

    Raises:
        DataError: If the file can't be read.
    """
    return _report(spec, _changed_ns(spec))


@copied(4)
def _report(spec: RunSpec, changed_ns: int) -> DataReport:
    return report_on(_file(spec) if spec.data else load_sample(), spec)


def data_rows(spec: RunSpec, numbers: tuple[int, ...]) -> pd.DataFrame:
    """These rows of the data, counted from 1, with their number in front."""
    return _rows(spec, _changed_ns(spec), numbers)


@copied(8)
def _rows(spec: RunSpec, changed_ns: int, numbers: tuple[int, ...]) -> pd.DataFrame:
    frame = _frame(spec).iloc[[number - 1 for number in numbers]].copy()
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
    return token_counts(spec.model, *_some_texts(spec, columns, most))


def unknown_tokens(spec: RunSpec, columns: Columns, most: int) -> float:
    """Share of the tokens that the spec's model does not know, of at most this many rows.

    Raises:
        FineGatesError: If the model's tokenizer is not on this machine.
    """
    return _unknown(spec, _changed_ns(spec), columns, most)


@copied(8)
def _unknown(spec: RunSpec, changed_ns: int, columns: Columns, most: int) -> float:
    return unknown_share(spec.model, *_some_texts(spec, columns, most))


def unknown_in(splits: TextSplits, model: str, most: int) -> float:
    """As `unknown_tokens`, of the first training rows of any data.

    Raises:
        FineGatesError: If the model's tokenizer is not on this machine.
    """
    return _unknown_in(splits.fingerprint, model, most, splits.train)


@copied(8)
def _unknown_in(fingerprint: str, model: str, most: int, _train: pd.DataFrame) -> float:
    some = _train.head(most)
    return unknown_share(model, *(some[name].tolist() for name in some if name != "label"))


def first_block_of(splits: TextSplits, model: str, length: int) -> str:
    """The first block of a language model's training texts, of so many tokens, as text.

    Raises:
        ModelError: If the model's tokenizer is not on this machine.
    """
    return _first_block(splits.fingerprint, model, length, splits.train)


@copied(8)
def _first_block(fingerprint: str, model: str, length: int, _train: pd.DataFrame) -> str:
    return first_block(model, _train["text"], length)


def _some_texts(spec: RunSpec, columns: Columns, most: int) -> list[list[str]]:
    """Texts, and second texts if the data has them, of at most this many rows drawn at random."""
    frame = _frame(spec)
    frame = frame.sample(min(len(frame), most), random_state=0)
    return [cells_of(frame[name]).tolist() for name in (columns.text, columns.pair) if name]


@copied(4)
def _read(path: str, changed_ns: int, reading: Reading) -> ReadFile:
    return read_file(path, reading)


def _frame(spec: RunSpec) -> pd.DataFrame:
    """The rows of a file as they are, or those of the sample."""
    return _file(spec).frame if spec.data else load_sample()


def _file(spec: RunSpec) -> ReadFile:
    """The spec's file, read as it says."""
    path = Path(str(spec.data))
    return _read(str(path), changed_ns(path), Reading.of(spec))


def _changed_ns(spec: RunSpec) -> int:
    files = (spec.data, spec.validation_data)
    return sum(changed_ns(Path(file)) for file in files if file)
