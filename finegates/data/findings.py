"""What is wrong with a user's rows, each with its row numbers: before a run, even if none follows.

A run refuses some of it (an empty text, a missing label); from the rest it would learn all the
same, and the score would mean less than it seems to.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from finegates.data.cells import cells_of, numbers_of
from finegates.data.columns import Columns
from finegates.data.remedies import (
    has_other_labels,
    is_empty,
    is_leaked,
    joined_texts,
    labels_of,
    rare_classes,
    rows_in_words,
    slips,
    spellings,
    texts_of,
)
from finegates.data.rows import word_counts
from finegates.data.splits import TextSplits
from finegates.errors import shortened

MOST_NAMED = 5


@dataclass(frozen=True)
class Finding:
    """Something that is wrong.

    Attributes:
        name: What kind of fault it is, in a few words.
        text: What was found and what to do; holds words of the data.
        rows: Row numbers in the file, from 1 below the header.
        refused: Whether a run refuses the file for it.
        remedies: What can be done about it: keys of `finegates.data.remedies.REMEDIES`.
    """

    name: str
    text: str
    rows: tuple[int, ...]
    refused: bool = False
    remedies: tuple[str, ...] = ()


def find_faults(
    frame: pd.DataFrame,
    columns: Columns,
    splits: TextSplits | None = None,
    max_length: int | None = None,
) -> list[Finding]:
    """Everything that is found wrong, what a run refuses first.

    Args:
        frame: The file's rows; their index counts the file's rows from 0.
        columns: Which columns are learned from.
        splits: The same rows as a run splits them, if it takes them: for texts on both sides.
        max_length: Tokens at which a run cuts a prompt with its answer.
    """
    texts, labels = texts_of(frame, columns), labels_of(frame, columns)
    if columns.label is None:
        found = _of_texts(frame, columns, max_length)
    else:
        found = _of_labelled(frame, columns, columns.label, labels)
    filled = ~is_empty(frame, columns)
    found += _repeats(texts[filled], labels[filled])
    if splits is not None:
        found.append(_on_both_sides(texts, splits))
    return sorted((f for f in found if f and f.rows), key=lambda f: not f.refused)


def _of_labelled(
    frame: pd.DataFrame, columns: Columns, label: str, labels: pd.Series
) -> list[Finding]:
    found = [_empty_text(frame[columns.text], "text")]
    found += [_empty_text(frame[columns.pair], "second text")] if columns.pair else []
    found.append(_empty_label(labels, label))
    if columns.problem == "regression":
        return [*found, _not_numbers(frame[label], labels, columns.decimal)]
    return [*found, _spellings(labels), _rare(labels), *_label_slips(labels)]


def _of_texts(frame: pd.DataFrame, columns: Columns, max_length: int | None) -> list[Finding]:
    """Of a language model's texts, or prompts and answers."""
    if columns.pair is None:
        return [_empty_text(frame[columns.text], "text")]
    found = [_empty_text(frame[columns.text], "prompt"), _empty_text(frame[columns.pair], "answer")]
    if max_length is None:
        return found
    words = word_counts(frame, columns)
    text = (
        f"The prompt and its answer have more words together than the {max_length} tokens that a "
        "run reads (max_length), so the end of the answer is cut off, or all of it. Raise "
        "max_length, or leave the rows out."
    )
    long = pd.Series(words > max_length, frame.index)
    return [*found, Finding("Too long", text, _numbers(long))]


def _empty_text(column: pd.Series, what: str) -> Finding:
    rows = _numbers(cells_of(column) == "")
    text = (
        f"The {what} column '{column.name}' is empty, or holds only what can't be seen. Fill the "
        "cells or leave the rows out."
    )
    return Finding(f"Empty {what}", text, rows, True, ("drop_empty_texts",))


def _empty_label(labels: pd.Series, column: str) -> Finding:
    text = f"The label column '{column}' is empty. Fill the cells or leave the rows out."
    return Finding("Empty label", text, _numbers(labels == ""), True, ("drop_unlabelled",))


def _not_numbers(column: pd.Series, labels: pd.Series, decimal: str) -> Finding:
    bad = ~np.isfinite(numbers_of(column, decimal)) & (labels != "")
    shown = ", ".join(f"'{shortened(label)}'" for label in labels[bad].unique()[:MOST_NAMED])
    text = f"These labels are no finite numbers: {shown}. Mend them, or choose classification."
    return Finding("Label is no number", text, _numbers(bad), True, ("drop_unlabelled",))


def _spellings(labels: pd.Series) -> Finding:
    """Classes that differ by nothing that a reader sees, or by case alone."""
    others = spellings(labels)
    shown = ", ".join(
        f"'{_visible(other)}' and '{_visible(first)}'"
        for other, first in list(others.items())[:MOST_NAMED]
    )
    text = f"One class is written in several ways: {shown}. A run takes them as different classes."
    rows = _numbers(labels.isin([*others]))
    return Finding("Class in several spellings", text, rows, False, ("unify_labels",))


def _visible(label: str) -> str:
    """A label with its invisible and its combining characters spelled out."""
    return shortened("".join(_spelled(sign) for sign in label[:80]))


def _spelled(sign: str) -> str:
    hidden = not sign.isascii() and unicodedata.category(sign) in ("Cf", "Mn", "Zs")
    return f"<U+{ord(sign):04X}>" if hidden else sign


def _rare(labels: pd.Series) -> Finding:
    """Classes with too few rows to be learned; those with one row are refused."""
    counts = labels[labels != ""].value_counts()
    rare = sorted(rare_classes(labels), key=lambda label: (counts[label], label))
    single = [label for label in rare if counts[label] == 1]
    shown = ", ".join(f"'{shortened(label)}' ({counts[label]})" for label in rare[:MOST_NAMED])
    shown += f" and {len(rare) - MOST_NAMED:,} more" if len(rare) > MOST_NAMED else ""
    needed = (
        " Each needs two rows at least, one for training and one for validation." if single else ""
    )
    text = f"Classes with few rows: {shown}.{needed} Add rows, merge them, or leave them out."
    remedies = ("merge_rare_classes", "drop_rare_classes")
    rows = _numbers(labels.isin(rare))
    return Finding(
        "Class of one row" if single else "Rare class", text, rows, bool(single), remedies
    )


def _label_slips(labels: pd.Series) -> Iterator[Finding]:
    """Classes that may be one class and a typing error."""
    counts = labels.value_counts()
    for name, larger in slips(labels).items():
        text = (
            f"The class '{name}' ({rows_in_words(int(counts[name]))}) looks like "
            f"'{larger}' ({rows_in_words(int(counts[larger]))}). If they are one class, "
            "write them alike."
        )
        yield Finding("Label slip", text, _numbers(labels == name), False, ("mend_slips",))


def _repeats(texts: pd.Series, labels: pd.Series) -> Iterator[Finding]:
    """Texts that occur more than once; those with different labels are a finding of their own."""
    at_odds = has_other_labels(texts, labels)
    if at_odds.any():
        number = texts[at_odds].nunique()
        text = (
            f"{number:,} text{'s stand' if number > 1 else ' stands'} more than once with "
            "different labels. At least one of the labels is wrong, or the text does not decide it."
        )
        rows = _numbers(at_odds)
        yield Finding("Same text, different labels", text, rows, False, ("drop_contradictions",))
    again = texts.duplicated() & ~at_odds
    number = int(again.sum())
    if number:
        text = (
            f"{number:,} row{'s repeat' if number > 1 else ' repeats'} the text and label of an "
            "earlier row. They count twice in training or leak into validation."
        )
        yield Finding("Repeated row", text, _numbers(again), False, ("drop_repeats",))


def _on_both_sides(texts: pd.Series, splits: TextSplits) -> Finding:
    """Texts in both training and validation rows: the score would measure memory."""
    leaked = is_leaked(splits.train, splits.validation)
    known = {*joined_texts(splits.validation[leaked])}
    share = leaked.mean() if len(leaked) else 0.0
    text = (
        f"{leaked.sum():,} of {len(leaked):,} validation rows ({share:.1%}) have a text that is in "
        "the training rows too, so the score is partly memory. Leave them out of validation, or "
        "keep each text once."
    )
    # ``isin`` is slower by far on a long list of texts.
    rows = pd.Series([text in known for text in texts.tolist()], texts.index, dtype=bool)
    remedies = ("drop_leaks", "drop_repeats")
    return Finding("Text in training and validation", text, _numbers(rows), False, remedies)


def _numbers(bad: pd.Series) -> tuple[int, ...]:
    """Row numbers from 1 where ``bad`` is true."""
    return tuple((bad.index.to_numpy()[bad.to_numpy(dtype=bool)] + 1).tolist())
