"""What distinguishes runs of one table besides method, target and seed, and what they share."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from finegates.results.rows import RunRow

_FINGERPRINT_SHOWN = 8


class Variants:
    """Names what the rows of a task and model share, and in what each differs.

    A setting that was left at its method's own value is not named, so a row may have an empty
    label next to one that says ``epochs=3``.

    Args:
        rows: Every row of the table.
    """

    def __init__(self, rows: Iterable[RunRow]) -> None:
        rows = list(rows)
        self._shared: dict[tuple, dict[str, str]] = {}
        for row in rows:
            named = _named(row)
            shared = self._shared.setdefault(_place(row), named)
            self._shared[_place(row)] = {k: v for k, v in shared.items() if named.get(k) == v}
        self._data: dict[tuple, set[str]] = {}
        for row in rows:
            if row.fingerprint:
                self._data.setdefault((_place(row), self._differing(row)), set()).add(
                    row.fingerprint
                )

    def shared(self, row: RunRow) -> str:
        """The chosen settings that all rows of this row's task and model have."""
        return _sentence(self._shared.get(_place(row), {}))

    def label(self, row: RunRow) -> str:
        """The chosen settings that not all of them have; the data, where nothing else differs."""
        label = self._differing(row)
        if len(self._data.get((_place(row), label), ())) < 2 or not row.fingerprint:
            return label
        source = row.source.removeprefix("file:")
        data = f"data={source}@{row.fingerprint[:_FINGERPRINT_SHOWN]}"
        return f"{label}, {data}" if label else data

    def _differing(self, row: RunRow) -> str:
        shared = self._shared.get(_place(row), {})
        return _sentence({k: v for k, v in _named(row).items() if k not in shared})


def _place(row: RunRow) -> tuple[str, str]:
    return row.task, row.model


def _named(row: RunRow) -> dict[str, str]:
    return {
        name: "+".join(map(str, value)) if isinstance(value, list | tuple) else _word(value)
        for name, value in row.settings.items()
    }


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _sentence(named: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(named.items()))
