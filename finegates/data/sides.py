"""Who splits a user's rows: a column of the file, a second file, or nobody but the run itself."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from finegates.data.cells import cells_of
from finegates.data.columns import Columns
from finegates.data.formats import Reading
from finegates.data.looks import SIDES, sides_of
from finegates.data.names import SPLIT_NAMES, name_words
from finegates.data.remedies import rows_in_words
from finegates.data.user_files import ReadFile, read_file
from finegates.errors import DataError, shortened, unknown_name
from finegates.spec import NO_SPLIT, RunSpec

_VALUES_SHOWN = 5


@dataclass(frozen=True)
class Sided:
    """Rows with the side of each, if a split is given.

    Attributes:
        frame: The rows; their index counts on through both files.
        side: ``train`` or ``validation`` for each; None where the run splits them.
        done: What was done, in sentences.
    """

    frame: pd.DataFrame
    side: pd.Series | None = None
    done: tuple[str, ...] = ()


def find_split_column(frame: pd.DataFrame) -> str | None:
    """The column that says which rows are for training, by its name and values."""
    for name in frame.columns:
        if name_words(name) & {*SPLIT_NAMES} and sides_of(cells_of(frame[name])):
            return str(name)
    return None


def with_sides(read: ReadFile, spec: RunSpec, columns: Columns) -> Sided:
    """The rows of a file, with those of the second file if there is one, and who is on which side.

    Raises:
        DataError: If the column that splits them does not, or the second file does not fit.
    """
    if spec.validation_data is not None:
        return _of_two_files(read, spec, columns)
    frame, column = read.frame, spec.split_column
    if column == NO_SPLIT:
        return Sided(frame)
    if column is not None and column not in frame.columns:
        raise DataError(unknown_name("split_column", column, map(str, frame.columns), 20))
    found = column or find_split_column(frame.drop(columns=[*_learned(columns)]))
    return Sided(frame) if found is None else _by_column(frame, found)


def _learned(columns: Columns) -> list[str]:
    return [name for name in (columns.text, columns.pair, columns.label) if name]


def _by_column(frame: pd.DataFrame, column: str) -> Sided:
    cells = cells_of(frame[column]).str.lower()
    unknown = [value for value in cells.unique().tolist() if value not in SIDES]
    if unknown:
        shown = ", ".join(f"'{shortened(value, 30)}'" for value in unknown[:_VALUES_SHOWN])
        raise DataError(
            f"The column '{column}' is to say train, validation or test, and says {shown} too. "
            f"Mend it, or set split_column to '{NO_SPLIT}'."
        )
    side = cells.map(SIDES)
    tested = side == "test"
    done = [f"Split the rows as the column '{column}' says."]
    if tested.any():
        done.append(f"Left out {rows_in_words(int(tested.sum()))} for testing.")
    if "train" not in {*side}:
        raise DataError(
            f"The column '{column}' has no rows for training. Set split_column to '{NO_SPLIT}' to "
            "split the rows anew."
        )
    kept, side = frame[~tested], side[~tested]
    if "validation" not in {*side}:
        done[0] = f"The column '{column}' has no rows for validation; they are drawn."
        return Sided(kept, None, tuple(done))
    return Sided(kept, side, tuple(done))


def _of_two_files(read: ReadFile, spec: RunSpec, columns: Columns) -> Sided:
    path = Path(str(spec.validation_data)).expanduser()
    second = read_file(path, Reading.of(spec))
    check_header(second)
    other = second.frame
    lacking = [name for name in _learned(columns) if name not in other.columns]
    if lacking:
        raise DataError(
            f"The validation file '{path.name}' has no column '{lacking[0]}'; it has: "
            f"{', '.join(map(str, other.columns[:20]))}. It needs the columns of the first file."
        )
    names = _learned(columns)
    frame = pd.concat([read.frame[names], other[names]], ignore_index=True)
    side = pd.Series("train", frame.index, dtype="str")
    side.iloc[len(read.frame) :] = "validation"
    done = f"Took {rows_in_words(len(other))} of '{path.name}' for validation."
    return Sided(frame, side, (done,))


def check_header(read: ReadFile) -> None:
    """Raises DataError with a question if the first row looks like data."""
    if read.format.header is None:
        why = read.format.certainty["header"].rstrip(".")
        raise DataError(
            f"{why[0].upper()}{why[1:]}. Set header=no if the file has no header line, or "
            "header=yes if it has one."
        )
