"""All runs of the folder: their rows, and those that were deleted."""

from collections.abc import Iterable
from pathlib import Path

from app.reading.cache import shared
from app.reading.run_index import RunIndex
from app.rows import Row, is_active
from finegates.jobs import control as jobs
from finegates.runs.bin import BinnedRun, list_bin
from finegates.runs.folder import BROKEN, Run, default_runs_dir, list_runs
from finegates.runs.names import unique_names
from finegates.runs.status import PAUSE_FILE

WAKE_EVERY_S = 10


def runs_folder() -> Path:
    """The folder of all runs, as an absolute path."""
    return default_runs_dir().resolve()


def run_rows(folder: Path) -> list[Row]:
    """A row for each run, newest first; broken ones last. See `app.reading.run_index.RunIndex`."""
    return _index(folder).rows()


@shared(4)
def _index(folder: Path) -> RunIndex:
    return RunIndex(folder)


def run_names(folder: Path) -> dict[str, str]:
    """Id of each run -> its name, unlike any other's; in the order of `run_rows`."""
    return unique_names(run_rows(folder))


def run_ids(folder: Path) -> list[str]:
    """Ids of the runs that the folder has, newest first by name; damaged ones too."""
    return [run.id for run in list_runs(folder)]


def binned_runs(folder: Path) -> list[BinnedRun]:
    """Deleted runs, the last deleted first."""
    return list_bin(folder)


def name_of_binned(binned: BinnedRun) -> str:
    """What a deleted run is called."""
    row = Run(binned.path).row()
    return binned.id if row["status"] == BROKEN else row["name"]


@shared(4, ttl=WAKE_EVERY_S)
def start_waiting(folder: Path) -> None:
    """Starts queued runs and marks lost ones, at most every `WAKE_EVERY_S` seconds."""
    jobs.tend(folder)


def brings_news(folder: Path, rows: Iterable[Row]) -> bool:
    """Whether one of these runs may come to something new by itself; starts those that can start.

    What is over brings nothing, and a paused run nothing until somebody continues or stops it.
    """
    active = [row for row in rows if is_active(row)]
    if active:
        start_waiting(folder)
    return not all(_is_paused(folder, row) for row in active)


def _is_paused(folder: Path, row: Row) -> bool:
    return row["status"] == "paused" and (folder / row["run"] / PAUSE_FILE).exists()
