"""From a `RunSpec` to training and validation rows, from any source. Loads no torch."""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from finegates.data.columns import Columns, resolve_columns
from finegates.data.formats import Reading
from finegates.data.glue import TASKS, read_glue
from finegates.data.metric_kinds import PERPLEXITY, TOKEN_ACCURACY, over_blocks
from finegates.data.remedies import clean, rows_in_words, without_leaks
from finegates.data.rows import labelled_rows
from finegates.data.sample import LABELS, load_sample
from finegates.data.sides import check_header, with_sides
from finegates.data.text_columns import text_columns_of, text_rows
from finegates.data.user_files import ReadFile, read_file
from finegates.errors import DataError, shortened
from finegates.spec import (
    CAUSAL_LM,
    FILE_TASK,
    GLUE_TASKS,
    NO_SPLIT,
    OWN_FILE_TASKS,
    SAMPLE_TASK,
    TEXT_TASK,
    RunSpec,
)

CLASS_METRICS = ("accuracy", "macro_f1")
NUMBER_METRICS = ("pearson", "spearman")
TOKEN_METRICS = (PERPLEXITY, TOKEN_ACCURACY)
MIN_SIDE_ROWS = 2
"""A correlation of one row is undefined."""
CLASSES_NAMED = 5


@dataclass(frozen=True)
class TextSplits:
    """Rows to learn from and rows to score on.

    Attributes:
        train: Columns ``text`` (str), ``pair`` (str, only if the data has one), ``label`` (class id
            as int, or a float). Of a language model, which has no label: ``text``, a document;
            ``prompt`` and ``answer``; or ``messages``, of `finegates.data.chats.chats_of`.
        validation: The same columns.
        problem: ``"classification"``, ``"regression"`` or ``"causal-lm"``.
        labels: Class names in id order; empty otherwise.
        metrics: The main one first.
        fingerprint: SHA-256 over texts and labels of both splits and the class names.
        source: Where the rows are from; never an absolute path.
        done: What was done to the rows before they are learned from, in sentences.
        split_is_given: Whether the data says which rows are for validation.
    """

    train: pd.DataFrame
    validation: pd.DataFrame
    problem: str
    labels: tuple[str, ...]
    metrics: tuple[str, ...]
    fingerprint: str
    source: str
    done: tuple[str, ...] = ()
    split_is_given: bool = True

    @property
    def texts(self) -> list[str]:
        """The columns that hold text."""
        return [name for name in self.train.columns if name != "label"]

    @property
    def is_language(self) -> bool:
        """Whether a language model's tokens are predicted, and no labels."""
        return self.problem == CAUSAL_LM

    @property
    def has_pairs(self) -> bool:
        """Whether each row has two texts."""
        return "pair" in self.train.columns


def load_splits(spec: RunSpec) -> TextSplits:
    """The rows of the spec's task, checked, with the training rows cut to what it asks for.

    Raises:
        DataError: If the data can't be read, or can't be learned from.
    """
    if spec.task in OWN_FILE_TASKS:
        return splits_of_file(read_file(data_path(spec), Reading.of(spec)), spec)
    return _finished(_load_sample() if spec.task == SAMPLE_TASK else _load_glue(spec), spec)


def load_same_splits(run: str, spec: RunSpec, recorded: str | None) -> TextSplits:
    """As `load_splits`, of a run that has recorded which rows it is about.

    Rows that version 0.1 drew are found again: it took the first training rows, looked for no
    column of sides, and took every first line for a header.

    Args:
        run: Its name, for an error.
        spec: Its spec.
        recorded: The fingerprint; None for a run that did not record it.

    Raises:
        DataError: As `load_splits`, and if these are other rows now.
    """
    problem: DataError | None = None
    for first_rows in (False, True):
        try:
            splits = _load_as_before(spec) if first_rows else load_splits(spec)
        except DataError as error:
            problem = problem or error
            continue
        if recorded in (None, splits.fingerprint):
            return splits
    if problem is not None:
        raise problem
    raise DataError(f"The data of {run} has changed since the run was made; start a new run on it.")


def _load_as_before(spec: RunSpec) -> TextSplits:
    """As version 0.1 drew the rows."""
    if spec.data:
        header = "yes" if spec.header == "auto" else spec.header
        spec = replace(spec, split_column=spec.split_column or NO_SPLIT, header=header)
    whole = load_splits(replace(spec, max_train_samples=None))
    splits = replace(whole, train=whole.train.head(spec.max_train_samples or len(whole.train)))
    return replace(splits, fingerprint=fingerprint(splits))


def splits_of_file(read: ReadFile, spec: RunSpec) -> TextSplits:
    """As `load_splits`, of a file that has been read."""
    return _finished(_split_file(read, spec), spec)


def data_path(spec: RunSpec) -> Path:
    """The user's file."""
    return Path(str(spec.data)).expanduser()


def columns_of(frame: pd.DataFrame, spec: RunSpec) -> Columns:
    """The columns that a spec names, the rest guessed. Raises DataError as `resolve_columns`."""
    if spec.is_language:
        return text_columns_of(frame, spec)
    return resolve_columns(
        frame, spec.text_column, spec.pair_column, spec.label_column, spec.problem, spec.decimal
    )


def _finished(splits: TextSplits, spec: RunSpec) -> TextSplits:
    if spec.hold_out_fraction:
        splits = _put_aside(splits, spec)
    if "drop_leaks" in spec.cleaning:
        validation, done = without_leaks(splits.train, splits.validation)
        splits = _with_done(replace(splits, validation=validation), done)
    if spec.max_train_samples is not None:
        splits = _cut(splits, spec)
    splits = replace(splits, fingerprint=fingerprint(splits))
    return _with_checked_labels(splits, spec)


def _with_done(splits: TextSplits, *done: str) -> TextSplits:
    return replace(splits, done=(*splits.done, *filter(None, done)))


def _cut(splits: TextSplits, spec: RunSpec) -> TextSplits:
    """GLUE's first rows, as in the paper; of other data a sample with the share of each class."""
    most, number = int(spec.max_train_samples or 0), len(splits.train)
    if number <= most:
        return splits
    if spec.task in GLUE_TASKS:
        return replace(splits, train=splits.train.head(most))
    stratified = splits.problem == "classification"
    train = sample_rows(splits.train, most, spec.split_seed, stratified)
    return _with_done(
        replace(splits, train=train), f"Drew {most:,} of {rows_in_words(number)} for training."
    )


def sample_rows(frame: pd.DataFrame, most: int, seed: int, stratified: bool) -> pd.DataFrame:
    """This many rows, in their order, drawn by a seed that alone decides.

    Args:
        frame: Rows with a ``label``.
        most: How many; fewer than there are.
        seed: Of the draw.
        stratified: Keep the share of each label, and one row of each at least, the most frequent
            first where there are more labels than rows.
    """
    order = np.random.default_rng(seed).permutation(len(frame))
    if stratified:
        labels = frame["label"].to_numpy()[order]
        values, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
        place = np.zeros(len(order), dtype=np.int64)  # of each row among those of its label
        for value in range(len(values)):
            place[inverse == value] = np.arange(counts[value])
        # Rows in the order in which shares fill up; the first of each label comes before all.
        share = (place + 0.5) / counts[inverse]
        first = np.where(place == 0, -counts[inverse].astype(float), 1.0)
        order = order[np.lexsort((share, first))]
    return frame.iloc[np.sort(order[:most])].reset_index(drop=True)


def fingerprint(splits: TextSplits) -> str:
    """SHA-256 (hex) over texts and labels of both splits and the class names."""
    digest = hashlib.sha256(json.dumps(list(splits.labels)).encode())
    for frame in (splits.train, splits.validation):
        for name, column in frame.items():
            digest.update(json.dumps([name, column.tolist()]).encode())
    return digest.hexdigest()


def split_rows(
    frame: pd.DataFrame, fraction: float, seed: int, stratified: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every row on one side, in an order that the seed alone decides.

    Args:
        frame: Rows with a ``label``.
        fraction: Share of the rows for validation.
        seed: Seed of the shuffle.
        stratified: Keep the share within each label, with at least one row of it on each side.
            Else at least ``MIN_SIDE_ROWS`` are kept for validation.

    Returns:
        Training rows and validation rows.
    """
    order = np.random.default_rng(seed).permutation(len(frame))
    shuffled = frame.iloc[order]
    groups = shuffled["label"].to_numpy() if stratified else np.zeros(len(frame))
    kept = np.zeros(len(frame), dtype=bool)
    for group in np.unique(groups):
        places = np.flatnonzero(groups == group)
        count = max(round(len(places) * fraction), 1 if stratified else MIN_SIDE_ROWS)
        kept[places[: min(count, len(places) - 1)]] = True
    train, validation = shuffled[~kept], shuffled[kept]
    return train.reset_index(drop=True), validation.reset_index(drop=True)


def _load_sample() -> TextSplits:
    frame = load_sample()
    frame["label"] = [LABELS.index(label) for label in frame["label"]]
    train, validation = (
        frame.loc[frame["split"] == split, ["text", "label"]].reset_index(drop=True)
        for split in ("train", "validation")
    )
    return TextSplits(train, validation, "classification", LABELS, CLASS_METRICS, "", "sample")


def _load_glue(spec: RunSpec) -> TextSplits:
    task = TASKS[spec.task]
    needed = None if spec.hold_out_fraction else spec.max_train_samples
    train, validation, source = read_glue(spec.task, spec.glue_dir, needed)
    return TextSplits(train, validation, task.problem, task.labels, task.metrics, "", source)


def _split_file(read: ReadFile, spec: RunSpec) -> TextSplits:
    check_header(read)
    columns = columns_of(read.frame, spec)
    sided = with_sides(read, spec, columns)
    cleaned = clean(sided.frame, columns, spec.cleaning)
    given = sided.side is not None
    labels: tuple[str, ...] = ()
    if spec.is_language:
        rows = text_rows(cleaned.frame, columns, spec.task)
        _check_number(len(rows), read)
    else:
        rows, labels = labelled_rows(cleaned.frame, columns, given)
    classes = columns.problem == "classification"
    if sided.side is not None:
        side = sided.side[rows.index]
        train, validation = (
            rows[side == name].reset_index(drop=True) for name in ("train", "validation")
        )
        _check_sides(len(train), len(validation))
    else:
        train, validation = split_rows(rows, spec.validation_fraction, spec.split_seed, classes)
    metrics = _metrics_of(columns, spec)
    source, done = f"file:{data_path(spec).name}", (*read.notes, *sided.done, *cleaned.done)
    return TextSplits(
        train, validation, columns.problem, labels, metrics, "", source, done, given
    )  # fmt: skip


def _metrics_of(columns: Columns, spec: RunSpec) -> tuple[str, ...]:
    if spec.task == TEXT_TASK:
        return tuple(over_blocks(metric, spec.max_length) for metric in TOKEN_METRICS)
    if spec.is_language:
        return TOKEN_METRICS
    return CLASS_METRICS if columns.problem == "classification" else NUMBER_METRICS


def _check_number(number: int, read: ReadFile) -> None:
    """Of a language model's texts, which are split as they are."""
    if number < 2 * MIN_SIDE_ROWS:
        plain = read.format.kind == "text"
        advice = "part them by blank lines, or write one in each line" if plain else "add rows"
        raise DataError(
            f"The file holds {number} document{'s' * (number != 1)}; {2 * MIN_SIDE_ROWS} at least "
            f"are needed, {MIN_SIDE_ROWS} for training and {MIN_SIDE_ROWS} for validation: "
            f"{advice}."
        )


def _check_sides(num_train: int, num_validation: int) -> None:
    if min(num_train, num_validation) < MIN_SIDE_ROWS:
        raise DataError(
            f"The split that is given leaves {rows_in_words(num_train)} for training and "
            f"{rows_in_words(num_validation)} for validation; each needs {MIN_SIDE_ROWS} at least."
        )


def _put_aside(splits: TextSplits, spec: RunSpec) -> TextSplits:
    """The training rows, split in two; the held-out part takes the place of the validation rows."""
    classes = splits.problem == "classification"
    train, held_out = split_rows(splits.train, spec.hold_out_fraction, spec.split_seed, classes)
    return replace(splits, train=train, validation=held_out, split_is_given=False)


def _with_checked_labels(splits: TextSplits, spec: RunSpec) -> TextSplits:
    """Refuses a split where a class is on one side alone, or says so where that may be meant."""
    if splits.is_language:
        return splits
    if splits.problem == "regression":
        if splits.train["label"].nunique() < 2:
            raise DataError(
                f"All {len(splits.train)} training rows have the same label. "
                + _more_rows(spec, "Numbers that differ are needed to learn from.")
            )
        return splits
    learned, asked = {*splits.train["label"]}, {*splits.validation["label"]}
    is_cut = spec.max_train_samples == len(splits.train) and spec.task not in GLUE_TASKS
    if unseen := asked - learned:
        if is_cut:
            return _with_done(
                splits,
                f"{len(splits.train)} training rows at most leave no training row of "
                f"{_names(splits, unseen)}.",
            )
        raise DataError(
            f"Labels in the validation rows but not in the {len(splits.train)} training rows: "
            f"{_names(splits, unseen)}. " + _more_rows(spec, _advice(splits))
        )
    if (unasked := learned - asked) and spec.task == FILE_TASK:
        if splits.split_is_given:
            return _with_done(splits, f"No validation row has the label {_names(splits, unasked)}.")
        advice = "Leave the repeated rows out of both sides instead (drop_repeats), or r"
        advice = advice if "drop_leaks" in spec.cleaning else "R"
        raise DataError(
            "Labels in the training rows but not in the validation rows: "
            f"{_names(splits, unasked)}. {advice}aise validation_fraction."
        )
    return splits


def _advice(splits: TextSplits) -> str:
    if splits.split_is_given:
        return (
            "Each class has to be in the training rows: move rows of it there, take them out of "
            "the validation rows, or leave rare classes out."
        )
    return "Each class has to be in the training rows."


def _more_rows(spec: RunSpec, otherwise: str) -> str:
    if spec.max_train_samples is None:
        return otherwise
    return (
        f"Raise 'training rows at most' (max_train_samples, it is {spec.max_train_samples}), or "
        "leave it empty."
    )


def _names(splits: TextSplits, ids: set[int]) -> str:
    names = [shortened(splits.labels[i]) for i in sorted(ids)]
    more = f" and {len(names) - CLASSES_NAMED:,} more" if len(names) > CLASSES_NAMED else ""
    return ", ".join(names[:CLASSES_NAMED]) + more
