"""Words of data, of runs or of an address, written so that a page can show them."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from finegates.files.spreadsheet import no_formulas

MOST_SHOWN = 2000
"""Characters of a cell on the page; a file may have a million in each."""
_MARKS = re.compile(r"([\\`*_\[\]<>#$~|!])")
_LINKS = re.compile(r"(://|www(?=\.)|@)")
_JOINER = "\u2060"
"""Takes no room and parts no word; without it what looks like an address becomes a link."""


def escape_markdown(text: str) -> str:
    """The text with Markdown's marks escaped: no picture is loaded, nothing becomes a link."""
    return _LINKS.sub(rf"\1{_JOINER}", _MARKS.sub(r"\\\1", text)).replace("://", r"\://")


def on_screen(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of a file for the page: long cells cut, and no cell a formula if they are downloaded."""

    def cut(value: Any) -> Any:
        is_long = isinstance(value, str) and len(value) > MOST_SHOWN
        return f"{value[:MOST_SHOWN]}…" if is_long else value

    texts = frame.select_dtypes(["object", "str"]).columns
    return no_formulas(frame.assign(**{name: frame[name].map(cut) for name in texts}))


def short_model(model: str) -> str:
    """``"FacebookAI/roberta-base"`` or ``"/models/roberta-base/"`` -> ``"roberta-base"``."""
    return model.rstrip("/").split("/")[-1]


def seed_list(seeds: Iterable[int]) -> str:
    """``(0, 1)`` -> ``"0, 1"``."""
    return ", ".join(map(str, seeds))


def in_ranges(numbers: Sequence[int] | np.ndarray) -> str:
    """``[0, 1, 2, 7]`` -> ``"0-2, 7"``; the numbers are in order."""
    if not len(numbers):
        return "none"
    found = np.asarray(numbers)
    runs = np.split(found, np.flatnonzero(np.diff(found) > 1) + 1)
    return ", ".join(f"{r[0]}-{r[-1]}" if len(r) > 1 else f"{r[0]}" for r in runs)
