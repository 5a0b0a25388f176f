"""Whether the first row of a table holds names: said, or asked where it looks like data."""

from collections.abc import Sequence

from finegates.data.cells import number
from finegates.data.formats import COMMA
from finegates.data.names import KNOWN
from finegates.errors import shortened

ROWS_COMPARED = 2_000
_LONG = 15
"""Characters from which on a cell of several words is taken for a text."""
_MOSTLY = 0.9


def find_header(rows: Sequence[Sequence[str]], asked: str = "auto") -> tuple[bool | None, str]:
    """Whether the first row holds names, and why. None: it looks like data, so it has to be asked.

    Args:
        rows: All rows, the first among them.
        asked: ``"yes"`` or ``"no"`` if it is known.
    """
    if asked != "auto":
        return asked == "yes", f"{'the first row' if asked == 'yes' else 'no row'}: as you chose."
    first = [cell.strip() for cell in rows[0]]
    known = [cell for cell in first if cell.lower() in KNOWN]
    if known:
        return True, f"the first row: it has the name '{known[0]}'."
    others = rows[1 : ROWS_COMPARED + 1]
    for place, cell in enumerate(first):
        like = [row[place].strip() for row in others if len(row) > place]
        if cell and like and (why := _like_data(cell, [other for other in like if other])):
            return None, f"the first row looks like data: '{shortened(cell, 40)}' {why}."
    return True, "the first row: nothing in it looks like data."


def _like_data(cell: str, others: list[str]) -> str:
    if not others:
        return ""
    if cell in others:
        return "is in that column again"
    if _is_number(cell):
        numbers = sum(map(_is_number, others)) >= _MOSTLY * len(others)
        return "is a number, as the others are" if numbers else ""
    if len(cell) < _LONG or len(cell.split()) < 3:
        return ""
    lengths = sorted(map(len, others))
    low = lengths[len(lengths) // 10] / 2
    return "is as long as the texts below it" if len(cell) >= max(low, _LONG) else ""


def _is_number(cell: str) -> bool:
    value = number(cell)
    return value == value or number(cell, COMMA) == number(cell, COMMA)


def generated(width: int) -> list[str]:
    """Names for columns without any."""
    return [f"column_{place}" for place in range(1, width + 1)]
