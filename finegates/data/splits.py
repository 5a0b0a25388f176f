"""From a `RunSpec` to training and validation rows, from any source. Loads no torch."""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from finegates.data.columns import resolve_columns
from finegates.data.glue import TASKS, read_glue
from finegates.data.rows import labelled_rows
from finegates.data.sample import LABELS, load_sample
from finegates.data.user_files import read_frame
from finegates.errors import DataError
from finegates.spec import FILE_TASK, SAMPLE_TASK, RunSpec

CLASS_METRICS = ("accuracy", "macro_f1")
NUMBER_METRICS = ("pearson", "spearman")
MIN_SIDE_ROWS = 2
"""A correlation of one row is undefined."""


@dataclass(frozen=True)
class TextSplits:
    """Rows to learn from and rows to score on.

    Attributes:
        train: Columns ``text`` (str), ``pair`` (str, only if the data has one), ``label`` (class id
            as int, or a float).
        validation: The same columns.
        problem: ``"classification"`` or ``"regression"``.
        labels: Class names in id order; empty for a regression.
        metrics: The main one first.
        fingerprint: SHA-256 over texts and labels of both splits and the class names.
        source: Where the rows are from; never an absolute path.
    """

    train: pd.DataFrame
    validation: pd.DataFrame
    problem: str
    labels: tuple[str, ...]
    metrics: tuple[str, ...]
    fingerprint: str
    source: str

    @property
    def has_pairs(self) -> bool:
        """Whether each row has two texts."""
        return "pair" in self.train.columns


def load_splits(spec: RunSpec) -> TextSplits:
    """The rows of the spec's task, checked, with the training rows cut to what it asks for.

    Raises:
        DataError: If the data can't be read, or can't be learned from.
    """
    loaders = {SAMPLE_TASK: _load_sample, FILE_TASK: _load_file}
    splits = loaders.get(spec.task, _load_glue)(spec)
    if spec.hold_out_fraction:
        splits = _put_aside(splits, spec)
    if spec.max_train_samples is not None:
        splits = replace(splits, train=splits.train.head(spec.max_train_samples))
    splits = replace(splits, fingerprint=fingerprint(splits))
    _check_labels(splits, spec)
    return splits


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


def _load_sample(spec: RunSpec) -> TextSplits:
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


def _load_file(spec: RunSpec) -> TextSplits:
    path = Path(str(spec.data)).expanduser()
    frame = read_frame(path)
    columns = resolve_columns(
        frame, spec.text_column, spec.pair_column, spec.label_column, spec.problem
    )
    rows, labels = labelled_rows(frame, columns)
    classes = columns.problem == "classification"
    train, validation = split_rows(
        rows, spec.validation_fraction, spec.split_seed, stratified=classes
    )
    metrics = CLASS_METRICS if classes else NUMBER_METRICS
    return TextSplits(train, validation, columns.problem, labels, metrics, "", f"file:{path.name}")


def _put_aside(splits: TextSplits, spec: RunSpec) -> TextSplits:
    """The training rows, split in two; the held-out part takes the place of the validation rows."""
    classes = splits.problem == "classification"
    train, held_out = split_rows(splits.train, spec.hold_out_fraction, spec.split_seed, classes)
    return replace(splits, train=train, validation=held_out)


def _check_labels(splits: TextSplits, spec: RunSpec) -> None:
    """Refuses a split where a class is in the training or the validation rows alone."""
    if splits.problem == "regression":
        if splits.train["label"].nunique() < 2:
            raise DataError(
                f"All {len(splits.train)} training rows have the same label. "
                + _more_rows(spec, "Numbers that differ are needed to learn from.")
            )
        return
    learned, asked = set(splits.train["label"]), set(splits.validation["label"])
    if asked - learned:
        raise DataError(
            f"Labels in the validation rows but not in the {len(splits.train)} training rows: "
            f"{_names(splits, asked - learned)}. "
            + _more_rows(spec, "Each class has to be in the training rows.")
        )
    if learned - asked and spec.task == FILE_TASK:
        raise DataError(
            "Labels in the training rows but not in the validation rows: "
            f"{_names(splits, learned - asked)}. Raise validation_fraction."
        )


def _more_rows(spec: RunSpec, otherwise: str) -> str:
    if spec.max_train_samples is None:
        return otherwise
    return f"Raise max_train_samples (it is {spec.max_train_samples}), or leave it out."


def _names(splits: TextSplits, ids: set[int]) -> str:
    return ", ".join(splits.labels[i] for i in sorted(ids))
