"""What was timed of a finished run's smaller models: its ``timings.json``. Loads no torch."""

from collections.abc import Mapping
from typing import Any

from finegates.errors import RunError
from finegates.files.storage import read_json, rows_with_numbers, write_json
from finegates.runs.folder import FORMAT_VERSION, Run

TIMINGS_FILE = "timings.json"
_SAME = ("threshold", "remove", "batch_size", "seq_len", "dtype", "device", "threads", "hardware")
_NUMBERS = ("dense_s", "masked_s", "shrunk_s", "speedup", "mac_ratio", "removed_weights_fraction")


def read_timings(run: Run) -> list[dict[str, Any]]:
    """Results of `finegates.measuring.bench`, the newest last; none if nothing was timed.

    Raises:
        RunError: If the file is damaged, or of another version.
    """
    path = run.path / TIMINGS_FILE
    if not path.is_file():
        return []
    content = read_json(path)
    if content.get("format_version") != FORMAT_VERSION:
        raise RunError(f"{run.id}/{TIMINGS_FILE} is damaged, or not of version {FORMAT_VERSION}.")
    return rows_with_numbers(content.get("timings"), _NUMBERS, f"{run.id}/{TIMINGS_FILE}")


def keep_timing(run: Run, timing: Mapping[str, Any]) -> None:
    """Adds a result; one of the same cut, shape and machine is replaced.

    Raises:
        RunError: If the file that is there is damaged.
    """
    same = [timing.get(key) for key in _SAME]
    kept = [t for t in read_timings(run) if [t.get(key) for key in _SAME] != same]
    content = {"format_version": FORMAT_VERSION, "timings": [*kept, dict(timing)]}
    write_json(run.path / TIMINGS_FILE, content)
