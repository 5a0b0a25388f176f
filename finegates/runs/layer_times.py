"""The times that a run's budget of time is counted with: measured once, before its first step."""

from dataclasses import asdict
from pathlib import Path

from finegates.errors import RunError
from finegates.files.storage import read_json, write_json
from finegates.gates.counting import LayerTimes

TIMES_FILE = "layer_times.json"


def write_layer_times(folder: Path, times: LayerTimes) -> None:
    """Keeps them in a run's folder."""
    write_json(folder / TIMES_FILE, asdict(times))


def read_layer_times(folder: Path) -> LayerTimes | None:
    """Those of a run's folder; None if its budget counts none.

    Raises:
        RunError: If they are damaged.
    """
    if not (folder / TIMES_FILE).exists():
        return None
    try:
        return LayerTimes(**read_json(folder / TIMES_FILE))
    except TypeError as error:
        raise RunError(f"{folder.name}/{TIMES_FILE} is damaged; train the run again.") from error
