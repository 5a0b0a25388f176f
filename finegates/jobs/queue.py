"""The runs that wait in a runs folder: polled, but read only where files have changed."""

import contextlib
from collections.abc import Mapping
from pathlib import Path

from finegates.errors import RunError
from finegates.files.storage import Stamps, stamps_of
from finegates.runs.folder import SPEC_FILE, Run, list_runs
from finegates.runs.launch import is_local
from finegates.runs.status import STATUS_FILE, Status, settle, written_status

_WATCHED = ("", SPEC_FILE, STATUS_FILE)
"""The folder too: its modification time shows when a link is put into it."""


class StatusReader:
    """Reports again and again where all runs stand, and reads only those whose files have changed.

    An unchanged run stays the same `Run` object, which keeps its spec once it has been read.
    """

    def __init__(self, runs_dir: Path) -> None:
        self._runs_dir = runs_dir
        self._known: dict[Path, tuple[Stamps, Run, Status]] = {}

    def read(self) -> dict[Run, Status]:
        """Where every readable run stands now, newest run first."""
        known = {}
        for run in list_runs(self._runs_dir):
            with contextlib.suppress(RunError):
                known[run.path] = self._entry(run)
        self._known = known
        return {run: settle(run.path, status) for _, run, status in known.values()}

    def _entry(self, run: Run) -> tuple[Stamps, Run, Status]:
        stamps = stamps_of(run.path, _WATCHED)
        known = self._known.get(run.path)
        return known if known and known[0] == stamps else (stamps, run, written_status(run.path))


def statuses_of(runs_dir: Path) -> dict[Run, Status]:
    """Where every readable run stands. Reads only one small file of each."""
    return StatusReader(runs_dir).read()


def queued_runs(statuses: Mapping[Run, Status]) -> list[Run]:
    """Sound runs that wait for this machine, in the order in which they were queued."""
    queued = [r for r, status in statuses.items() if status.state == "queued" and is_local(r.path)]
    waiting = [run for run in queued if _is_sound(run)]
    return sorted(waiting, key=lambda run: statuses[run].heartbeat)


def _is_sound(run: Run) -> bool:
    with contextlib.suppress(RunError):
        return bool(run.spec)
    return False
