"""Everything a page shows of a user's rows before a run, gathered in one pass. Loads no torch."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from finegates.data.columns import Columns
from finegates.data.findings import Finding, find_faults
from finegates.data.formats import FileFormat, Reading
from finegates.data.remedies import clean
from finegates.data.rows import Description, describe, word_counts
from finegates.data.splits import TextSplits, columns_of, data_path, load_splits, splits_of_file
from finegates.data.user_files import ReadFile, read_file
from finegates.errors import DataError
from finegates.spec import INSTRUCTIONS_TASK, TEXT_TASK, RunSpec


@dataclass(frozen=True)
class DataReport:
    """What is known of a table before a run.

    Attributes:
        columns: Which columns are learned from, and why they were guessed.
        description: Figures of the rows, after the cleaning.
        faults: What is wrong with these, what a run refuses first.
        refusal: Why a run refuses the rows, in its own words; empty if it takes them.
        words: Words of each row, both texts together. int64 [number of rows].
        num_train: Training rows; 0 if a run refuses them.
        num_validation: Validation rows.
        format: What the file was read as; None for the sample.
        notes: What was done while it was read.
        cleaned: What is done to the rows before they are learned from, the split included.
    """

    columns: Columns
    description: Description
    faults: tuple[Finding, ...]
    refusal: str
    words: np.ndarray
    num_train: int
    num_validation: int
    format: FileFormat | None = None
    notes: tuple[str, ...] = ()
    cleaned: tuple[str, ...] = ()


def report_of_file(spec: RunSpec) -> DataReport:
    """Reads the spec's file, and reports on it. Raises DataError as `report_on`."""
    return report_on(read_file(data_path(spec), Reading.of(spec)), spec)


def report_on(rows: ReadFile | pd.DataFrame, spec: RunSpec) -> DataReport:
    """Looks at every row, and asks whether a run would take them.

    Args:
        rows: A file that was read as the spec says, or the rows of the sample.
        spec: A spec with these rows as its data; its columns, and how it splits them, count.

    Raises:
        DataError: If a column does not exist, or none can be guessed.
    """
    read = rows if isinstance(rows, ReadFile) else None
    frame = rows.frame if isinstance(rows, ReadFile) else rows
    columns = columns_of(frame, spec)
    if read is not None:  # what was guessed is not guessed again
        spec = replace(spec, **_named(columns, spec))
    splits, refusal = _splits(read, spec)
    cleaned = clean(frame, columns, spec.cleaning)
    kept = cleaned.frame
    return DataReport(
        columns,
        describe(kept, columns),
        tuple(find_faults(kept, columns, splits, spec.max_length)),
        refusal,
        word_counts(kept, columns),
        len(splits.train) if splits else 0,
        len(splits.validation) if splits else 0,
        read.format if read else None,
        read.notes if read else (),
        splits.done[len(read.notes) :] if splits and read else cleaned.done,
    )


def _named(columns: Columns, spec: RunSpec) -> dict[str, Any]:
    """What was guessed of the columns, as settings."""
    if spec.task == TEXT_TASK:
        return {} if Reading.of(spec).plain else {"text_column": columns.text}
    if spec.task == INSTRUCTIONS_TASK and columns.pair is None:
        return {"messages_column": columns.text}
    if spec.task == INSTRUCTIONS_TASK:
        return {"prompt_column": columns.text, "answer_column": columns.pair}
    return {
        "text_column": columns.text, "pair_column": columns.pair, "label_column": columns.label,
        "problem": columns.problem, "decimal": columns.decimal,
    }  # fmt: skip


def _splits(read: ReadFile | None, spec: RunSpec) -> tuple[TextSplits | None, str]:
    """The rows as a run splits them, or why it refuses them."""
    try:
        return (load_splits(spec) if read is None else splits_of_file(read, spec)), ""
    except DataError as error:
        return None, str(error)
