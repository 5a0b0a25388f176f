"""Everything a page shows of a user's rows before a run, gathered in one pass. Loads no torch."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from finegates.data.columns import Columns, resolve_columns
from finegates.data.findings import Finding, find_faults
from finegates.data.rows import Description, describe, word_counts
from finegates.data.splits import load_splits
from finegates.errors import DataError
from finegates.spec import FILE_TASK, RunSpec


@dataclass(frozen=True)
class DataReport:
    """What is known of a table before a run.

    Attributes:
        columns: Which columns are learned from.
        description: Figures of the whole table.
        faults: What is wrong, what a run refuses first.
        refusal: Why a run refuses the rows, in its own words; empty if it takes them.
        words: Words of each row, both texts together. int64 [number of rows].
        num_train: Training rows; 0 if a run refuses them.
        num_validation: Validation rows.
    """

    columns: Columns
    description: Description
    faults: tuple[Finding, ...]
    refusal: str
    words: np.ndarray
    num_train: int
    num_validation: int


def report_on(frame: pd.DataFrame, spec: RunSpec) -> DataReport:
    """Looks at every row, and asks whether a run would take them.

    Args:
        frame: The rows, in the file's order.
        spec: A spec with these rows as its data; its columns, and how it splits them, count.

    Raises:
        DataError: If a column does not exist, or none can be guessed.
    """
    columns = resolve_columns(
        frame, spec.text_column, spec.pair_column, spec.label_column, spec.problem
    )
    if spec.task == FILE_TASK:  # what was guessed is not guessed again
        spec = replace(
            spec, text_column=columns.text, pair_column=columns.pair, label_column=columns.label,
            problem=columns.problem,
        )  # fmt: skip
    splits, refusal = None, ""
    try:
        splits = load_splits(spec)
    except DataError as error:
        refusal = str(error)
    return DataReport(
        columns,
        describe(frame, columns),
        tuple(find_faults(frame, columns, splits)),
        refusal,
        word_counts(frame, columns),
        len(splits.train) if splits else 0,
        len(splits.validation) if splits else 0,
    )
