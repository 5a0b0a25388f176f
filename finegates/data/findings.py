"""What is wrong with a user's rows, each with its row numbers: before a run, even if none follows.

A run refuses some of it (an empty text, a missing label); from the rest it would learn all the
same, and the score would mean less than it seems to.
"""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from finegates.data.cells import cells_of, numbers_of
from finegates.data.columns import Columns
from finegates.data.rows import MAX_CLASS_CHARACTERS
from finegates.data.splits import TextSplits
from finegates.errors import shortened

LIKE = 0.8
"""Class names at least this similar (`difflib`) may be one name and a typing error."""
RARE = 0.05
"""Only a class with at most this share of another's rows may be a typing error of it."""
MOST_CLASSES_COMPARED = 50
MOST_NAMED = 5


@dataclass(frozen=True)
class Finding:
    """Something that is wrong.

    Attributes:
        name: What kind of fault it is, in a few words.
        text: What was found and what to do; holds words of the data.
        rows: Row numbers in the file, from 1 below the header.
        refused: Whether a run refuses the file for it.
    """

    name: str
    text: str
    rows: tuple[int, ...]
    refused: bool = False


def find_faults(
    frame: pd.DataFrame, columns: Columns, splits: TextSplits | None = None
) -> list[Finding]:
    """Everything that is found wrong, what a run refuses first.

    Args:
        frame: The file's rows.
        columns: Which columns are learned from.
        splits: The same rows as a run splits them, if it takes them: for texts on both sides.
    """
    texts = cells_of(frame[columns.text])
    labels = cells_of(frame[columns.label])
    pairs = cells_of(frame[columns.pair]) if columns.pair else None
    both = texts if pairs is None else texts + "\0" + pairs
    found = [
        _empty(texts, "text", columns.text),
        *([_empty(pairs, "second text", str(columns.pair))] if pairs is not None else []),
        _empty(labels, "label", columns.label),
    ]
    if columns.problem == "regression":
        found.append(_not_numbers(frame[columns.label], labels))
    else:
        found += _label_slips(labels)
    empty = (texts == "") if pairs is None else (texts == "") | (pairs == "")
    found += _repeats(both[~empty], labels[~empty])
    if splits is not None:
        found.append(_on_both_sides(both, splits))
    return sorted((f for f in found if f and f.rows), key=lambda f: not f.refused)


def _empty(cells: pd.Series, what: str, column: str) -> Finding:
    rows = _numbers(cells == "")
    text = f"The {what} column '{column}' is empty. Fill the cells or remove the rows."
    return Finding(f"Empty {what}", text, rows, refused=True)


def _not_numbers(column: pd.Series, labels: pd.Series) -> Finding:
    bad = ~np.isfinite(numbers_of(column)) & (labels != "")
    shown = ", ".join(f"'{shortened(label)}'" for label in labels[bad].unique()[:MOST_NAMED])
    text = f"These labels are no finite numbers: {shown}. Mend them, or choose classification."
    return Finding("Label is no number", text, _numbers(bad), refused=True)


def _label_slips(labels: pd.Series) -> Iterator[Finding]:
    """Classes that may be one class and a typing error, and classes with one row."""
    counts = labels[labels != ""].value_counts()
    single = counts.index[counts == 1]
    if len(single):
        shown = ", ".join(f"'{shortened(label)}'" for label in single[:MOST_NAMED])
        text = (
            f"Classes with one row only: {shown}. Each needs two at least, one for training and "
            "one for validation."
        )
        yield Finding("Class of one row", text, _numbers(labels.isin(single)), refused=True)
    names = [str(name) for name in counts.index[:MOST_CLASSES_COMPARED]]
    names = [name for name in names if len(name) <= MAX_CLASS_CHARACTERS]
    for place, name in enumerate(names):
        for larger in names[:place]:
            if _is_slip(name, larger, int(counts[name]), int(counts[larger])):
                text = (
                    f"The class '{name}' ({_rows(counts[name])}) looks like '{larger}' "
                    f"({_rows(counts[larger])}). If they are one class, write them alike."
                )
                yield Finding("Label slip", text, _numbers(labels == name))
                break


def _rows(count: int) -> str:
    return f"{count:,} row{'s' if count != 1 else ''}"


def _is_slip(name: str, larger: str, count: int, count_of_larger: int) -> bool:
    if name.casefold() == larger.casefold():
        return True
    if count > RARE * count_of_larger or _is_numeral(name) or _is_numeral(larger):
        return False
    return difflib.SequenceMatcher(None, name.casefold(), larger.casefold()).ratio() >= LIKE


def _is_numeral(name: str) -> bool:
    return name.lstrip("-").replace(".", "", 1).isdigit()


def _repeats(texts: pd.Series, labels: pd.Series) -> Iterator[Finding]:
    """Texts that occur more than once; those with different labels are a finding of their own."""
    repeated = texts.duplicated(keep=False)
    pairs = pd.DataFrame({"text": texts[repeated], "label": labels[repeated]})
    kinds = pairs.groupby("text", sort=False)["label"].transform("nunique")
    at_odds = kinds.index[kinds > 1]
    if len(at_odds):
        number = pairs.loc[at_odds, "text"].nunique()
        text = (
            f"{number:,} text{'s stand' if number > 1 else ' stands'} more than once with "
            "different labels. At least one of the labels is wrong, or the text does not decide it."
        )
        yield Finding("Same text, different labels", text, _places(at_odds))
    again = texts[repeated & texts.duplicated()].index.difference(at_odds)
    if len(again):
        text = (
            f"{len(again):,} row{'s repeat' if len(again) > 1 else ' repeats'} the text and label "
            "of an earlier row. They count twice in training or leak into validation."
        )
        yield Finding("Repeated row", text, _places(again))


def _on_both_sides(texts: pd.Series, splits: TextSplits) -> Finding:
    """Texts in both training and validation rows: the score would measure memory."""
    learned, asked = {*_joined(splits.train)}, _joined(splits.validation)
    leaked = [text for text in asked if text in learned]
    share = len(leaked) / max(len(asked), 1)
    text = (
        f"{len(leaked):,} of {len(asked):,} validation rows ({share:.1%}) have a text that is in "
        "the training rows too, so the score is partly memory. Remove the repeated rows."
    )
    return Finding("Text in training and validation", text, _numbers(_among(texts, leaked)))


def _joined(side: pd.DataFrame) -> list[str]:
    texts = cells_of(side["text"])
    return (texts + "\0" + cells_of(side["pair"]) if "pair" in side else texts).tolist()


def _among(texts: pd.Series, wanted: list[str]) -> pd.Series:
    """As ``isin``, which is slower by far on a long list of texts."""
    known = {*wanted}
    return pd.Series([text in known for text in texts.tolist()], dtype=bool)


def _numbers(bad: pd.Series) -> tuple[int, ...]:
    return tuple((np.flatnonzero(bad.to_numpy(dtype=bool)) + 1).tolist())


def _places(index: pd.Index) -> tuple[int, ...]:
    """Row numbers of an index that counts a file's rows from 0."""
    return tuple(sorted(int(place) + 1 for place in index))
