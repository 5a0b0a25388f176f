"""What distinguishes runs of one table besides method, target and seed, and what they share."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from finegates.results.data_names import DataNames
from finegates.results.rows import RunRow


class Variants:
    """Names what the rows of one data set and model share, and in what each differs.

    A setting that was left at its method's own value is not named, so a row may have an empty
    label next to one that says ``epochs=3``.

    Args:
        rows: Every row of the table.
    """

    def __init__(self, rows: Iterable[RunRow]) -> None:
        rows = list(rows)
        self._data = DataNames(rows)
        self._shared: dict[tuple, dict[str, str]] = {}
        for row in rows:
            named = _named(row)
            shared = self._shared.setdefault(self._place(row), named)
            self._shared[self._place(row)] = {k: v for k, v in shared.items() if named.get(k) == v}

    def data_name(self, row: RunRow) -> str:
        """What the row's data is called, see `DataNames`."""
        return self._data.name(row)

    def shared(self, row: RunRow) -> str:
        """The chosen settings that all rows of this row's data and model have."""
        return _sentence(self._shared.get(self._place(row), {}))

    def label(self, row: RunRow) -> str:
        """The chosen settings that not all of them have."""
        shared = self._shared.get(self._place(row), {})
        return _sentence({k: v for k, v in _named(row).items() if k not in shared})

    def _place(self, row: RunRow) -> tuple[str, str, str, str]:
        return row.task, row.data_name, self._data.fingerprint(row), row.model


def _named(row: RunRow) -> dict[str, str]:
    return {
        name: "+".join(map(str, value)) if isinstance(value, list | tuple) else _word(value)
        for name, value in row.settings.items()
    }


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _sentence(named: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(named.items()))
