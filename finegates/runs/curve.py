"""What was measured at each cut of a finished run: its ``curve.json``. Loads no torch.

Budgets are kept under ``points``, thresholds under ``thresholds``; a point keeps its place until
the same cut is measured again.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from finegates.errors import RunError
from finegates.files.storage import read_json, rows_with_numbers, write_json
from finegates.runs.folder import CURVE_FILE, FORMAT_VERSION, Run

_ASKED = {"points": "remove", "thresholds": "threshold"}
"""List of the file -> what its cuts are named."""

_KEYS = ("score", "removed_weights_fraction")


def read_points(run: Run) -> list[dict[str, Any]]:
    """What was measured at budgets, smallest first; none if nothing was.

    Raises:
        RunError: If the file is damaged, or of another version.
    """
    return _read(run)["points"]


def read_thresholds(run: Run) -> list[dict[str, Any]]:
    """What was measured at thresholds, as `read_points`."""
    return _read(run)["thresholds"]


def keep_points(run: Run, points: Iterable[Mapping[str, Any]]) -> None:
    """Writes points beside those that are there; one at the same cut is replaced.

    Raises:
        RunError: If the file that is there is damaged.
    """
    kept, points = _read(run), list(points)
    for name, asked in _ASKED.items():
        new = [dict(point) for point in points if point.get(asked) is not None]
        by_cut = {point[asked]: point for point in [*kept[name], *new]}
        kept[name] = [by_cut[cut] for cut in sorted(by_cut)]
    write_json(run.path / CURVE_FILE, {"format_version": FORMAT_VERSION, **kept})


def _read(run: Run) -> dict[str, list[dict[str, Any]]]:
    path = run.path / CURVE_FILE
    empty: dict[str, Any] = {"format_version": FORMAT_VERSION, "points": []}
    content = read_json(path) if path.is_file() else empty
    if content.get("format_version") != FORMAT_VERSION:
        raise RunError(f"{run.id}/{CURVE_FILE} is damaged, or not of version {FORMAT_VERSION}.")
    found = {"points": content.get("points"), "thresholds": content.get("thresholds", [])}
    return {
        name: rows_with_numbers(found[name], (asked, *_KEYS), f"{run.id}/{CURVE_FILE}")
        for name, asked in _ASKED.items()
    }
