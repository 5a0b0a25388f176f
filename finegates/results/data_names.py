"""Which data each row of a table is on, and what to call it: data of one name may differ."""

from collections import Counter
from collections.abc import Iterable

from finegates.results.rows import RunRow

_FINGERPRINT_SHOWN = 8


class DataNames:
    """Names data so that two fingerprints never have one name.

    Args:
        rows: Every row of the table.
    """

    def __init__(self, rows: Iterable[RunRow]) -> None:
        self._known: dict[tuple[str, str], Counter[str]] = {}
        self._sizes: dict[str, int] = {}
        for row in rows:
            if row.fingerprint:
                self._known.setdefault(_place(row), Counter())[row.fingerprint] += 1
                self._sizes[row.fingerprint] = row.num_train

    def fingerprint(self, row: RunRow) -> str:
        """That of the row's data; of a row that is only expected, of the data most rows have."""
        known = self._known.get(_place(row))
        return row.fingerprint or (known.most_common(1)[0][0] if known else "")

    def name(self, row: RunRow) -> str:
        """``"tickets"``, or with its size or fingerprint where other data has the same name."""
        mine, alike = self.fingerprint(row), self._known.get(_place(row), Counter())
        if len(alike) < 2:
            return row.data_name
        sizes = Counter(self._sizes[fingerprint] for fingerprint in alike)
        size = self._sizes[mine]
        if size and sizes[size] == 1:
            return f"{row.data_name} ({size:,} rows)"
        return f"{row.data_name} @{mine[:_FINGERPRINT_SHOWN]}"


def _place(row: RunRow) -> tuple[str, str]:
    return row.task, row.data_name
