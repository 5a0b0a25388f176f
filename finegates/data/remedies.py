"""What can be done about findings before a run: each remedy by name, the same rows for all."""

import difflib
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from finegates.data.cells import INVISIBLE, cells_of, numbers_of
from finegates.data.chats import chat_text
from finegates.data.columns import Columns
from finegates.data.rows import MAX_CLASS_CHARACTERS

RARE_ROWS = 5
"""A class of fewer rows is rare, where at least two classes are not."""
MERGED = "other"
_SIMILAR = 0.8
"""Class names at least this similar (`difflib`) may be one name and a typing error."""
_SHARE_OF_SLIPS = 0.05
"""Only a class with at most this share of another's rows may be a typing error of it."""
_MOST_CLASSES_COMPARED, _MOST_NAMED = 50, 5
_WITHOUT_PICTURE = re.compile(rf"[{INVISIBLE}]")


@dataclass(frozen=True)
class Remedy:
    """Something that can be done about a finding.

    Attributes:
        name: Its key, as in `RunSpec.cleaning`.
        label: Text of a button.
        help: What it does, in a sentence.
    """

    name: str
    label: str
    help: str


REMEDIES = {
    remedy.name: remedy
    for remedy in (
        Remedy(
            "drop_empty_texts",
            "Leave out rows without text",
            "Rows whose text, or second text, is empty or invisible are not learned from.",
        ),
        Remedy(
            "drop_unlabelled",
            "Leave out rows without a label",
            "Rows whose label is empty, or no number where numbers are predicted, are left out.",
        ),
        Remedy(
            "unify_labels",
            "Write each class in one way",
            "Labels that differ by case, blanks, invisible characters, accents' encoding, or as 1 "
            "and 1.0 do, get the spelling that is the most frequent.",
        ),
        Remedy(
            "mend_slips",
            "Count slips as the class they look like",
            "A class of few rows whose name is nearly that of a large one becomes the large one. "
            "Look at the names first.",
        ),
        Remedy(
            "drop_contradictions",
            "Leave out texts with different labels",
            "All rows of a text that stands there with more than one label are left out.",
        ),
        Remedy(
            "drop_repeats",
            "Keep each text once",
            "Of rows with the same text and label, if they have one, only the first is kept.",
        ),
        Remedy(
            "merge_rare_classes",
            f"Merge rare classes into '{MERGED}'",
            f"Classes of fewer than {RARE_ROWS} rows become one; of one row, where few are larger.",
        ),
        Remedy(
            "drop_rare_classes",
            "Leave out rare classes",
            f"Classes of fewer than {RARE_ROWS} rows are left out; of one row, where few are "
            "larger.",
        ),
        Remedy(
            "drop_leaks",
            "Leave out leaking validation rows",
            "Validation rows whose text is in the training rows too are left out, after the split.",
        ),
    )
}
"""By name, in the order in which they are carried out."""


@dataclass(frozen=True)
class Cleaned:
    """Rows after the remedies, with their old index, and what was done, in sentences."""

    frame: pd.DataFrame
    done: tuple[str, ...]


def clean(frame: pd.DataFrame, columns: Columns, names: Collection[str]) -> Cleaned:
    """Carries out remedies on rows before they are split, in the order of `REMEDIES`.

    Args:
        frame: The rows.
        columns: Which columns are learned from.
        names: Keys of `REMEDIES`; ``drop_leaks`` is done after the split, by `without_leaks`.
    """
    done: list[str] = []
    classes = columns.problem == "classification"
    for name in REMEDIES:
        if name not in names or name == "drop_leaks":
            continue
        if name in ("unify_labels", "mend_slips", "merge_rare_classes"):
            if classes:
                frame = _relabelled(frame, columns, name, done)
            continue
        bad = _bad(name, frame, columns)
        if bad.any():
            what = _WHAT[name]
            done.append(f"Left out {rows_in_words(int(bad.sum()))} {what}.")
            frame = frame[~bad]
    return Cleaned(frame, tuple(done))


_WHAT = {
    "drop_empty_texts": "without text",
    "drop_unlabelled": "without a label",
    "drop_contradictions": "whose text stands there with different labels",
    "drop_repeats": "that repeat an earlier text and label",
    "drop_rare_classes": "of rare classes",
}


def _bad(name: str, frame: pd.DataFrame, columns: Columns) -> pd.Series:
    """Which rows a remedy leaves out."""
    texts, labels = texts_of(frame, columns), labels_of(frame, columns)
    if name == "drop_empty_texts":
        return is_empty(frame, columns)
    if name == "drop_unlabelled":
        return is_unlabelled(frame, columns)
    if name == "drop_rare_classes":
        return labels.isin(rare_classes(labels)) & (columns.problem == "classification")
    labelled = labels != ""
    if name == "drop_contradictions":
        return has_other_labels(texts, labels.where(labelled))
    return pd.DataFrame({"text": texts, "label": labels}).duplicated() & labelled


def texts_of(frame: pd.DataFrame, columns: Columns) -> pd.Series:
    """Both texts of each row as one; a chat as its messages."""
    if columns.label is None and columns.pair is None:
        column = frame[columns.text]
        return pd.Series([chat_text(c) for c in column.tolist()], column.index, dtype="str")
    texts = cells_of(frame[columns.text])
    return texts if columns.pair is None else texts + "\0" + cells_of(frame[columns.pair])


def labels_of(frame: pd.DataFrame, columns: Columns) -> pd.Series:
    """The labels as text; one for all rows where they have none, as texts of a language model."""
    if columns.label is None:
        return pd.Series("unlabelled", frame.index, dtype="str")
    return cells_of(frame[columns.label])


def is_empty(frame: pd.DataFrame, columns: Columns) -> pd.Series:
    """Rows without text, or without second text."""
    empty = cells_of(frame[columns.text]) == ""
    return empty if columns.pair is None else empty | (cells_of(frame[columns.pair]) == "")


def is_unlabelled(frame: pd.DataFrame, columns: Columns) -> pd.Series:
    """Rows without a label, or without a number where numbers are predicted."""
    if columns.problem != "regression" or columns.label is None:
        return labels_of(frame, columns) == ""
    numbers = numbers_of(frame[columns.label], columns.decimal)
    return pd.Series(~np.isfinite(numbers.to_numpy()), index=frame.index)


def has_other_labels(texts: pd.Series, labels: pd.Series) -> pd.Series:
    """Rows whose text stands there with more than one label; empty labels don't count."""
    repeated = texts.duplicated(keep=False)
    pairs = pd.DataFrame({"text": texts[repeated], "label": labels[repeated]})
    kinds = pairs.groupby("text", sort=False)["label"].transform("nunique")
    return pd.Series(texts.index.isin(kinds.index[kinds > 1]), index=texts.index)


def rare_classes(labels: pd.Series) -> list[str]:
    """Classes of fewer than `RARE_ROWS` rows; of one row, where fewer than two are larger.

    What rare classes were merged into is rare only with one row.
    """
    counts = labels[labels != ""].value_counts()
    most = RARE_ROWS if (counts >= RARE_ROWS).sum() >= 2 else 2
    rare = counts[(counts < most) & ((counts.index != MERGED) | (counts < 2))]
    return sorted(map(str, rare.index))


def one_spelling(label: str) -> str:
    """What all spellings of a class have in common."""
    plain = unicodedata.normalize("NFKC", _WITHOUT_PICTURE.sub("", label))
    plain = " ".join(plain.split()).casefold()
    number = re.fullmatch(r"([+-]?\d+)[.,]0+", plain)
    return number[1] if number else plain


def spellings(labels: pd.Series) -> dict[str, str]:
    """Each spelling that is not its class's most frequent one, to that one."""
    counts = labels[labels != ""].value_counts()
    groups: dict[str, list[str]] = {}
    for label in sorted(counts.index, key=lambda label: (-counts[label], len(label), label)):
        groups.setdefault(one_spelling(str(label)) or str(label), []).append(str(label))
    return {other: first for first, *others in groups.values() for other in others}


def slips(labels: pd.Series) -> dict[str, str]:
    """Each class that may be a typing error of a larger one, to that one."""
    counts = labels[labels != ""].value_counts()
    names = [str(name) for name in counts.index[:_MOST_CLASSES_COMPARED]]
    names = [name for name in names if len(name) <= MAX_CLASS_CHARACTERS]
    found: dict[str, str] = {}
    for place, name in enumerate(names):
        for larger in names[:place]:
            if _is_slip(name, larger, int(counts[name]), int(counts[larger])):
                found[name] = found.get(larger, larger)
                break
    return found


def _is_slip(name: str, larger: str, count: int, count_of_larger: int) -> bool:
    if one_spelling(name) == one_spelling(larger):
        return False  # told as spellings of one class
    if count > _SHARE_OF_SLIPS * count_of_larger or _is_numeral(name) or _is_numeral(larger):
        return False
    return difflib.SequenceMatcher(None, name.casefold(), larger.casefold()).ratio() >= _SIMILAR


def _is_numeral(name: str) -> bool:
    return name.lstrip("-").replace(".", "", 1).isdigit()


def _relabelled(
    frame: pd.DataFrame, columns: Columns, name: str, done: list[str]
) -> pd.DataFrame:  # fmt: skip
    labels = labels_of(frame, columns)
    if name == "unify_labels":
        new = spellings(labels)
    elif name == "mend_slips":
        new = slips(labels)
    else:
        rare = rare_classes(labels)
        new = dict.fromkeys(rare, MERGED)
        if 0 < labels.isin({*rare, MERGED}).sum() < 2:
            done.append("One class of one row is no class when merged, so it was left out.")
            return frame[~labels.isin(rare)]
    changed = labels.isin([*new])
    if not changed.any():
        return frame
    rows = rows_in_words(int(changed.sum()))
    if name == "unify_labels":
        kinds = "spelling" if len(new) == 1 else "spellings"
        done.append(f"Wrote {len(new):,} {kinds} of classes as the most frequent one, in {rows}.")
    elif name == "mend_slips":
        shown = ", ".join(f"'{slip}' as '{right}'" for slip, right in [*new.items()][:_MOST_NAMED])
        more = f" and {len(new) - _MOST_NAMED:,} more" if len(new) > _MOST_NAMED else ""
        done.append(f"Counted {shown}{more}, in {rows}.")
    else:
        kinds = "rare class" if len(new) == 1 else "rare classes"
        done.append(f"Merged {len(new):,} {kinds}, {rows}, into '{MERGED}'.")
    return frame.assign(**{str(columns.label): labels.map(lambda label: new.get(label, label))})


def without_leaks(train: pd.DataFrame, validation: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Validation rows whose text is not in the training rows, and what was done, if anything."""
    leaked = is_leaked(train, validation)
    if not leaked.any():
        return validation, ""
    done = f"Left out {rows_in_words(int(leaked.sum()))} of validation with a text of training."
    return validation[~leaked].reset_index(drop=True), done


def is_leaked(train: pd.DataFrame, validation: pd.DataFrame) -> pd.Series:
    """Rows of a split's validation whose texts are in its training rows."""
    known = {*joined_texts(train)}
    return pd.Series(
        [text in known for text in joined_texts(validation)], validation.index, dtype=bool
    )


def joined_texts(side: pd.DataFrame) -> list[str]:
    """All texts of each row of a split as one."""
    first, *others = (cells_of(side[name]) for name in side if name != "label")
    for other in others:
        first = first + "\0" + other
    return first.tolist()


def rows_in_words(count: int) -> str:
    """Such as ``1 row`` and ``1,234 rows``."""
    return f"{count:,} row{'s' if count != 1 else ''}"
