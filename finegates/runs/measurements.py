"""What was measured of a finished run's smaller models: ``curve.json`` and ``timings.json``.

The curve has a point for each cut: budgets under ``points``, thresholds under ``thresholds``. A
point keeps its place until the same cut is measured again. Loads no torch.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from finegates.errors import RunError
from finegates.files.storage import read_json, write_json
from finegates.runs.folder import CURVE_FILE, FORMAT_VERSION, Run

TIMINGS_FILE = "timings.json"

Rows = list[dict[str, Any]]

_ASKED = {"points": "remove", "thresholds": "threshold"}
"""List of the curve -> what its cuts are named."""
_POINT_NUMBERS = ("score", "removed_weights_fraction")
_TIMING_NUMBERS = (
    "dense_s", "masked_s", "shrunk_s", "speedup", "mac_ratio", "removed_weights_fraction",
)  # fmt: skip
_SAME = ("threshold", "remove", "batch_size", "seq_len", "dtype", "device", "threads", "hardware")


def read_points(run: Run) -> Rows:
    """What was measured at budgets, smallest first; none if nothing was.

    Raises:
        RunError: If the file is damaged, or of another version.
    """
    return _curve(run)["points"]


def read_thresholds(run: Run) -> Rows:
    """What was measured at thresholds, as `read_points`."""
    return _curve(run)["thresholds"]


def keep_points(run: Run, points: Iterable[Mapping[str, Any]]) -> None:
    """Writes points next to those of the file; one at the same cut is replaced.

    Raises:
        RunError: If the file is damaged.
    """
    kept, points = _curve(run), list(points)
    for name, asked in _ASKED.items():
        new = [dict(point) for point in points if point.get(asked) is not None]
        by_cut = {point[asked]: point for point in [*kept[name], *new]}
        kept[name] = [by_cut[cut] for cut in sorted(by_cut)]
    write_json(run.path / CURVE_FILE, {"format_version": FORMAT_VERSION, **kept})


def read_timings(run: Run) -> Rows:
    """Results of `finegates.measuring.bench`, the newest last; none if nothing was timed.

    Raises:
        RunError: If the file is damaged, or of another version.
    """
    content = _content(run, TIMINGS_FILE) or {"timings": []}
    return _checked(content.get("timings"), _TIMING_NUMBERS, f"{run.id}/{TIMINGS_FILE}")


def keep_timing(run: Run, timing: Mapping[str, Any]) -> None:
    """Adds a result; one of the same cut, shape and machine is replaced.

    Raises:
        RunError: If the file is damaged.
    """
    same = [timing.get(key) for key in _SAME]
    kept = [t for t in read_timings(run) if [t.get(key) for key in _SAME] != same]
    content = {"format_version": FORMAT_VERSION, "timings": [*kept, dict(timing)]}
    write_json(run.path / TIMINGS_FILE, content)


def _curve(run: Run) -> dict[str, Rows]:
    content = _content(run, CURVE_FILE) or {"points": []}
    found = {"points": content.get("points"), "thresholds": content.get("thresholds", [])}
    return {
        name: _checked(found[name], (asked, *_POINT_NUMBERS), f"{run.id}/{CURVE_FILE}")
        for name, asked in _ASKED.items()
    }


def _content(run: Run, name: str) -> dict[str, Any]:
    """What a file holds; nothing without the file."""
    path = run.path / name
    if not path.is_file():
        return {}
    content = read_json(path)
    if content.get("format_version") != FORMAT_VERSION:
        raise RunError(f"{run.id}/{name} is damaged, or not of version {FORMAT_VERSION}.")
    return content


def _checked(rows: Any, keys: Sequence[str], where: str) -> Rows:
    """The rows themselves, once it is sure that each is an object with a number under every key."""
    if not isinstance(rows, list):
        raise RunError(f"{where} is damaged: its points are no list.")
    for row in rows:
        values = [row.get(key) for key in keys] if isinstance(row, dict) else [None]
        if not all(isinstance(value, int | float) for value in values):
            raise RunError(f"{where} is damaged: {str(row)[:80]} is no point of it.")
    return rows
