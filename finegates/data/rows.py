"""The rows of a user's table: checked for training, and described for a preview."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from finegates.data.cells import NESTED, cell, cells_of, numbers_of
from finegates.data.columns import Columns
from finegates.data.problems import MAX_CLASSES
from finegates.errors import DataError, shortened

MIN_REGRESSION_ROWS = 4
MAX_CLASS_CHARACTERS = 200
ROWS_SHOWN = 5
_LEAVE_OUT = "Mend the cells, or leave the rows out (cleaning: drop_unlabelled)"


@dataclass(frozen=True)
class Description:
    """What a page shows of a file before a run. Class counts or label figures, never both."""

    rows: int
    rows_without_text: int
    rows_without_label: int
    duplicate_texts: int
    class_counts: dict[str, int] | None
    label_mean: float | None
    label_std: float | None
    label_min: float | None
    label_max: float | None
    median_characters: float
    max_characters: int
    median_words: float
    max_words: int


def labelled_rows(
    frame: pd.DataFrame, columns: Columns, split_is_given: bool = False
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The rows to learn from, all checked: ``text``, ``pair`` if the data has one, and ``label``.

    Args:
        frame: The rows; their index counts the file's rows from 0.
        columns: Which columns are learned from, a label among them.
        split_is_given: A class may then have one row.

    Returns:
        The frame, in the file's order, and the class names in id order. A label is a class id
        (int), or a float and no names for a regression.

    Raises:
        DataError: With the first rows for a text or label that is missing or can't be used.
    """
    assert columns.label is not None
    rows = pd.DataFrame({"text": texts_in(frame[columns.text])})
    if columns.pair:
        rows["pair"] = texts_in(frame[columns.pair])
    if columns.problem == "regression":
        rows["label"] = _scores(frame[columns.label], columns.decimal)
        return rows, ()
    names = _class_names(frame[columns.label], split_is_given)
    cells = _labels(frame, columns)
    rows["label"] = cells.map({name: i for i, name in enumerate(names)}).astype("int64")
    return rows, names


def texts_in(column: pd.Series, what: str = "text") -> pd.Series:
    """The column as text, unchanged, except that numbers become text.

    Args:
        column: Its cells.
        what: What it holds, for errors.

    Raises:
        DataError: With the first rows that hold none.
    """
    cells = column.astype(object)
    named = f"The {what} column '{column.name}'"
    _refuse(_is_nested(cells), f"{named} holds no text", "Choose another column")
    _refuse(
        cells_of(cells) == "",
        f"{named} is empty",
        "Fill the cells, or leave the rows out (cleaning: drop_empty_texts)",
    )
    return cells.map(lambda value: value if isinstance(value, str) else cell(value)).astype("str")


def _is_nested(column: pd.Series) -> pd.Series:
    return pd.Series([isinstance(value, NESTED) for value in column], column.index, dtype=bool)


def _scores(column: pd.Series, decimal: str) -> pd.Series:
    numbers = numbers_of(column, decimal)
    _refuse(
        ~np.isfinite(numbers),
        f"The label column '{column.name}' is not a finite number",
        f"{_LEAVE_OUT}, or set problem=classification",
    )
    if len(numbers) < MIN_REGRESSION_ROWS or numbers.nunique() < 2:
        raise DataError(
            f"The label column '{column.name}' has {len(numbers)} rows and {numbers.nunique()} "
            f"different values; at least {MIN_REGRESSION_ROWS} rows and 2 values are needed."
        )
    return numbers


def _class_names(column: pd.Series, split_is_given: bool) -> tuple[str, ...]:
    """The classes, numbers in order of size and words by alphabet."""
    what = f"The label column '{column.name}'"
    _refuse(
        _is_nested(column),
        f"{what} holds a list or bytes",
        "One label per row is learned: keep the label that matters in each row, make a column of "
        "yes and no of one of them, or choose another column",
    )
    cells = cells_of(column)
    _refuse(cells == "", f"{what} is empty", _LEAVE_OUT)
    counts = cells.value_counts()
    _check_classes(str(column.name), counts, split_is_given)
    names = sorted(counts.index)
    if all(re.fullmatch(r"-?\d{1,18}", name) for name in names):
        names.sort(key=int)
    return tuple(names)


def _check_classes(name: str, counts: pd.Series, split_is_given: bool) -> None:
    if len(counts) > MAX_CLASSES:
        raise DataError(
            f"The label column '{name}' has {len(counts):,} different values; at most "
            f"{MAX_CLASSES} classes are allowed. Set problem=regression if it is a number to "
            "predict, or choose another label column."
        )
    longest = max(map(len, counts.index))
    if longest > MAX_CLASS_CHARACTERS:
        raise DataError(
            f"The label column '{name}' has a label of {longest:,} characters; a class has a name "
            f"of at most {MAX_CLASS_CHARACTERS}. Choose another label column."
        )
    if len(counts) == 1:
        raise DataError(
            f"The label column '{name}' has one class only, '{shortened(counts.index[0])}'. At "
            "least 2 are needed; choose another label column."
        )
    single = sorted(counts.index[counts == 1])
    if single and not split_is_given:
        shown = ", ".join(f"'{shortened(label)}'" for label in single[:ROWS_SHOWN])
        raise DataError(
            f"In the label column '{name}' these classes have one row only: {shown}. Each needs "
            "at least 2, one for training and one for validation; add rows, or use a cleaning: "
            "merge_rare_classes or drop_rare_classes."
        )


def _refuse(bad: pd.Series, what: str, advice: str) -> None:
    """Raises with the first rows, from 1, where ``bad`` is true."""
    places = bad.index.to_numpy()[bad.to_numpy(dtype=bool)] + 1
    if len(places):
        shown = ", ".join(f"{place:,}" for place in places[:ROWS_SHOWN])
        more = f" and {len(places) - ROWS_SHOWN:,} more" if len(places) > ROWS_SHOWN else ""
        rows = "row" if len(places) == 1 else "rows"
        raise DataError(f"{what} in {rows} {shown}{more} (from 1, below the header). {advice}.")


def describe(frame: pd.DataFrame, columns: Columns) -> Description:
    """Figures for a preview. Bad rows are counted here and refused by `labelled_rows`."""
    texts = cells_of(frame[columns.text])
    both = [texts, cells_of(frame[columns.pair])] if columns.pair else [texts]
    return Description(
        rows=len(frame),
        rows_without_text=int((texts == "").sum()),
        rows_without_label=int((_labels(frame, columns) == "").sum()),
        duplicate_texts=int(pd.concat(both, axis="columns").duplicated().sum()),
        **_label_figures(frame, columns),
        **_lengths("characters", texts.str.len()),
        **_lengths("words", pd.Series([len(text.split()) for text in texts.tolist()])),
    )


def word_counts(frame: pd.DataFrame, columns: Columns) -> np.ndarray:
    """Words of each row, both texts of a pair together. int64 [number of rows]."""
    names = [columns.text, *([columns.pair] if columns.pair else [])]
    words = [[len(text.split()) for text in cells_of(frame[name]).tolist()] for name in names]
    total: np.ndarray = np.array(words, dtype=np.int64).sum(axis=0)
    return total


def _labels(frame: pd.DataFrame, columns: Columns) -> pd.Series:
    """The labels as text; none where there is no such column."""
    return cells_of(frame[columns.label]) if columns.label else pd.Series(dtype="str")


def _label_figures(frame: pd.DataFrame, columns: Columns) -> dict[str, Any]:
    names = ("label_mean", "label_std", "label_min", "label_max")
    if columns.problem == "classification":
        cells = _labels(frame, columns)
        counts = cells[cells != ""].value_counts()
        return {"class_counts": {str(k): int(v) for k, v in counts.items()}} | dict.fromkeys(names)
    if columns.label is None:
        return {"class_counts": None} | dict.fromkeys(names)
    numbers = numbers_of(frame[columns.label], columns.decimal)
    numbers = numbers[np.isfinite(numbers)]
    if numbers.empty:
        return {"class_counts": None} | dict.fromkeys(names)
    with np.errstate(over="ignore"):
        figures = (numbers.mean(), numbers.std(ddof=0), numbers.min(), numbers.max())
    return {"class_counts": None} | dict(zip(names, map(float, figures), strict=True))


def _lengths(unit: str, lengths: pd.Series) -> dict[str, Any]:
    return {f"median_{unit}": float(lengths.median()), f"max_{unit}": int(lengths.max())}
