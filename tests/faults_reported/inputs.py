"""The small inputs on which the program failed or misled: each made here, row by row.

The words are those of the toy tokenizers that the faults were found with.
"""

import csv
import io
from collections.abc import Callable
from pathlib import Path

NOUNS = ("film", "meal", "book", "room", "phone", "trip", "show", "song")
GOOD, BAD = ("bright", "lovely", "warm", "clever"), ("dull", "awful", "cold", "clumsy")
ROWS = 120


def text(i: int) -> str:
    """A sentence of its own; even ones are bad, odd ones good."""
    adjective = (GOOD if i % 2 else BAD)[i // 2 % 4]
    return f"the {NOUNS[i * 3 % 8]} was {adjective} and the {NOUNS[i * 5 % 8]} too {i}"


def label(i: int) -> str:
    """The class of `text`."""
    return "pos" if i % 2 else "neg"


def table(header: list[str], rows: list[list[object]], separator: str = ",") -> str:
    """As spreadsheets write it, with their line ends."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=separator)
    writer.writerows([header, *rows] if header else rows)
    return file.getvalue()


def _labelled(labels: Callable[[int], object], separator: str = ",", name: str = "label") -> str:
    return table(["text", name], [[text(i), labels(i)] for i in range(ROWS)], separator)


def one() -> str:
    """Two classes, nothing wrong."""
    return _labelled(label)


def semicolon() -> str:
    """Semicolons between columns."""
    return _labelled(label, ";")


def semicolon_and_commas() -> str:
    """Semicolons between columns, commas in the texts."""
    rows: list[list[object]] = [[f"{text(i)}, too", label(i)] for i in range(ROWS)]
    return table(["text", "label"], rows, ";")


def _comma(i: int) -> str:
    return f"{i % 20 % 5},{i % 20 % 10}"


def semicolon_decimal() -> str:
    """Numbers with a decimal comma, semicolons between columns."""
    return _labelled(_comma, ";", "score")


def decimal_comma() -> str:
    """Numbers with a decimal comma, in quotes."""
    return _labelled(_comma, name="score")


def tabs() -> str:
    """Tabs between columns, whatever the name ends with."""
    return _labelled(label, "\t")


def whole_scores() -> str:
    """Sixty whole numbers, two rows each."""
    return _labelled(lambda i: i % 60, name="score")


def price() -> str:
    """Numbers in a large unit."""
    return _labelled(lambda i: 66_000 + 150_000 * (i % 2) + 331.17 * i, name="price")


def labels_1_and_1_0() -> str:
    """Two classes, each written in two ways."""
    return _labelled(lambda i: ["0", "1.0", "1", "0.0"][i % 4])


def labels_zero_width() -> str:
    """A class with and without a character that can't be seen."""
    return _labelled(lambda i: label(i) + "\u200b" * (i % 4 == 1))


def text_zero_width() -> str:
    """One text of nothing but a character that can't be seen."""
    rows: list[list[object]] = [["\u200b" if i == 3 else text(i), label(i)] for i in range(ROWS)]
    return table(["text", "label"], rows)


def no_header() -> str:
    """The first row is data."""
    return table([], [[text(i), label(i)] for i in range(ROWS)])


def unnamed_first() -> str:
    """Two columns without names and values in front."""
    rows: list[list[object]] = [
        ["", "", ["ham", "spam", "info"][i % 3], text(i)] for i in range(ROWS)
    ]
    return table(["", "", "v1", "v2"], rows)


def multi_label_columns() -> str:
    """Several labels of 0 and 1."""
    names = ["id", "comment_text", "toxic", "obscene", "insult"]
    return table(names, [[i, text(i), i & 1, i >> 1 & 1, i >> 2 & 1] for i in range(ROWS)])


def many_classes() -> str:
    """Forty classes of six rows."""
    rows: list[list[object]] = [
        [f"please do thing {i} for {i % 40} now", f"intent_{i % 40:02}"] for i in range(240)
    ]
    return table(["text", "label"], rows)


def chinese() -> str:
    """Texts that an English tokenizer can't read."""
    rows: list[list[object]] = [
        [f"这个房间{i}很{'坏' if i % 2 else '好'}", "bad" if i % 2 else "good"] for i in range(80)
    ]
    return table(["text", "label"], rows)


def pair() -> str:
    """Two texts in each row."""
    rows: list[list[object]] = [
        [text(i), text(i + 1 + i % 2), "same" if i % 2 else "other"] for i in range(ROWS)
    ]
    return table(["sentence1", "sentence2", "label"], rows)


def added_tokens() -> str:
    """A word that a tokenizer got later than its model."""
    return one().replace("film", "zqfilm")


INPUTS: dict[str, Callable[[], str]] = {
    f"{name}.csv": make
    for name, make in {
        "added_tokens": added_tokens, "chinese": chinese, "decimal_comma": decimal_comma,
        "labels_1_and_1.0": labels_1_and_1_0, "labels_zero_width": labels_zero_width,
        "many_classes": many_classes, "multi_label_columns": multi_label_columns,
        "no_header": no_header, "one": one, "pair": pair, "price": price, "semicolon": semicolon,
        "semicolon_and_commas": semicolon_and_commas, "semicolon_decimal": semicolon_decimal,
        "tabs": tabs, "text_zero_width": text_zero_width, "unnamed_first": unnamed_first,
        "whole_scores": whole_scores,
    }.items()
}  # fmt: skip
"""By the name that the file had."""


def write(folder: Path, name: str) -> Path:
    """Makes one of them."""
    path = folder / name
    path.write_text(INPUTS[name](), encoding="utf-8", newline="")
    return path
