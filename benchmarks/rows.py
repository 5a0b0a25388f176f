"""Results that are written row by row, and may be measured in several calls."""

from collections.abc import Sequence
from typing import Any

from benchmarks.record import RESULTS, environment, read_result, write_result

_SAME = ("versions", "hardware")


def add_row(
    name: str, row: dict[str, Any], key: Sequence[str], about: dict[str, Any]
) -> dict[str, Any]:
    """Writes a row into a result, over the row with the same key.

    Args:
        name: File in ``benchmarks/results``.
        row: What was measured.
        key: Names in the row that tell which one it is.
        about: What else holds for all rows. Rows of an earlier call stay only if this, the versions
            and the hardware are the same.

    Returns:
        All that the file holds.
    """
    here = {**environment(), **about}
    before = read_result(name) if (RESULTS / name).exists() else {}
    same = all(before.get(what) == here[what] for what in (*_SAME, *about))
    kept = [r for r in before["rows"] if any(r.get(k) != row[k] for k in key)] if same else []
    result = {**here, "rows": [*kept, row]}
    write_result(name, result)
    return result
