"""Finds what parts the columns of a table as text, from its first lines."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from finegates.data.formats import SEPARATORS
from finegates.data.names import LABEL_NAMES, TEXT_NAMES

UNQUOTED = ("tab", "pipe")
"""Separators of files that may be written without quotes as signs of their own."""
_LIKELIEST = ("tab", "semicolon", "pipe", "comma")
"""Among those that part all lines alike, the one that is rarest in texts."""
SEP_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
"""First line of a file for Excel."""
FASTTEXT = "__label__"
_PARTED_WELL = 0.8
_MIN_LINES = 4
_MOST_KINDS = 200
_RARE_KINDS = 0.05
"""Share of the lines whose first (or last) word may stand there once, if these words are labels."""


@dataclass(frozen=True)
class Separation:
    """How lines are parted.

    Attributes:
        name: Key of `SEPARATORS`.
        why: One sentence.
        label_last: With blanks: whether the label is the last word, and not the first.
    """

    name: str
    why: str
    label_last: bool = False


def named_in(line: str) -> str | None:
    """The separator that a first line such as ``sep=;`` names, as a key; None if it is none."""
    found = SEP_LINE.fullmatch(line)
    keys = {character: name for name, character in SEPARATORS.items()}
    return keys.get(found[1]) if found else None


def is_sep_line(line: str) -> bool:
    """Whether a first line names a separator for Excel, and is no row."""
    return SEP_LINE.fullmatch(line) is not None


def find_separator(lines: Sequence[str], asked: str = "auto") -> Separation:
    """The separator that gives most lines as many fields as the first.

    Args:
        lines: The first lines with their ends; the last may be cut.
        asked: Take this one.
    """
    filled = [line for line in lines if line.strip()]
    place = _label_place(filled)
    if asked != "auto":
        return Separation(asked, f"{asked}: as you chose.", place == "last")
    found = _by_fields(lines, in_words=bool(place))
    fasttext = bool(filled) and filled[0].startswith(FASTTEXT)
    clear = found and (found[1] >= _PARTED_WELL or _is_header(filled[0]))
    if place and (fasttext or not clear):
        why = f"blank: the {place} word of each of {len(filled):,} lines is a label."
        return Separation("blank", why, place == "last")
    if found is None:
        return Separation("comma", "comma: nothing parts the first line, so it is one column.")
    name, share, width, number = found
    return Separation(
        name, f"{name}: {round(share * number):,} of {number:,} lines have {width} fields."
    )


def _by_fields(lines: Sequence[str], in_words: bool) -> tuple[str, float, int, int] | None:
    """Separator, share of the lines with as many fields as the first, fields, and lines."""
    found = []
    for rank, name in enumerate(_LIKELIEST):
        widths = _widths(lines, name)
        if widths and widths[0] > 1:
            share = sum(width == widths[0] for width in widths) / len(widths)
            if name == "comma" and in_words and _in_sentences(lines):
                share /= 2  # commas of the language
            found.append((round(share, 2), -rank, name, widths[0], len(widths)))
    if not found:
        return None
    share, _, name, width, number = max(found)
    return name, share, width, number


def _widths(lines: Sequence[str], name: str) -> list[int]:
    """Fields of each row; of files without quoting, where that is broken, quotes are characters."""
    character = SEPARATORS[name]
    widths, whole = _parsed(csv.reader(lines, delimiter=character, strict=True), len(lines))
    if not whole and name in UNQUOTED:
        plain = csv.reader(lines, delimiter=character, quoting=csv.QUOTE_NONE)
        widths, _ = _parsed(plain, len(lines))
    return widths


def _parsed(reader: Any, lines: int) -> tuple[list[int], bool]:
    widths: list[int] = []
    try:
        for fields in reader:
            if fields:
                widths.append(len(fields))
    except csv.Error:
        return widths, reader.line_num >= lines  # the last line may be cut
    return widths, True


def _in_sentences(lines: Sequence[str]) -> bool:
    """Whether commas are those of sentences: a blank behind each, and words before and after."""
    words = 0
    for line in lines:
        if '"' in line or re.search(r",\S", line):
            return False
        parts = [len(part.split()) for part in line.split(",")]
        words += parts[0] > 1 and parts[-1] > 1
    return words >= _PARTED_WELL * len(lines)


def _is_header(line: str) -> bool:
    """Whether a line is one word with separators in it, as names of columns are."""
    return not re.search(r"[^\S\t]", line.strip()) and any(sign in line for sign in ",;|\t")


def _label_place(lines: Sequence[str]) -> str:
    """``"first"`` or ``"last"`` where that word of each line seems to be its label; else empty."""
    lines = [line for line in lines if line.strip()]
    if lines and all(line.startswith(FASTTEXT) for line in lines):
        return "first"
    parts = [line.split() for line in lines[:-1] or lines]
    if len(parts) < _MIN_LINES or any(len(words) < 2 for words in parts):
        return ""
    parts = parts[1:] if is_named(parts[0]) else parts
    kinds = {
        place: _kinds([words[i] for words in parts]) for place, i in (("first", 0), ("last", -1))
    }
    possible = {place: number for place, number in kinds.items() if number}
    return min(possible, key=lambda place: possible[place]) if possible else ""


def is_named(words: Sequence[str]) -> bool:
    """Whether two words name a label and a text."""
    lower = [word.lower() for word in words]
    known = {*LABEL_NAMES, *TEXT_NAMES}
    return len(lower) == 2 and all(word in known for word in lower)


def _kinds(words: Sequence[str]) -> int:
    """How many labels these words are; 0 if they are none."""
    counts = Counter(words)
    once = sum(1 for number in counts.values() if number == 1)
    few = 2 <= len(counts) <= min(_MOST_KINDS, len(words) / 2)
    plain = all(re.fullmatch(r"[\w:.+/-]+", word) for word in counts)
    return len(counts) if few and plain and once <= _RARE_KINDS * len(words) else 0


def split_at_blank(lines: Iterator[str], label_last: bool) -> Iterator[list[str]]:
    """Label and text of each line, or text and label; lines without a blank stay one field."""
    for line in lines:
        text = line.strip()
        if text:
            yield text.rsplit(None, 1) if label_last else text.split(None, 1)
