"""The rows of all runs, brought up to date by reading only the run folders that have changed."""

from pathlib import Path
from threading import Lock

from app.rows import CURVE_ONLY, GATES, WEIGHTS, Row
from finegates.errors import RunError
from finegates.files.storage import Stamps, stamps_of
from finegates.runs.folder import GATES_FOLDER, SPEC_FILE, TRAINED_FOLDER, Run, list_runs
from finegates.runs.notes import NOTES_FILE, read_notes
from finegates.runs.status import LIVE_STATES, STATUS_FILE

_WATCHED = ("", SPEC_FILE, STATUS_FILE, NOTES_FILE)
"""The folder too: its time shows that files come and go, as ``exit.json`` does."""


class RunIndex:
    """Rows of the runs of one folder, shared by all sessions.

    A row is `finegates.runs.folder.Run.row` with ``own_name``, ``notes``, ``tags`` (a list),
    ``notes_problem``, which says why the notes can't be read, and ``keeps``, which of the run's
    gates and weights are in its folder. A row of a live run is always read again: whether its
    worker lives is not written in any file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, tuple[Stamps, Row]] = {}
        self._lock = Lock()

    def rows(self) -> list[Row]:
        """A row for each run, newest first; broken ones last."""
        with self._lock:
            self._known = {run.id: self._entry(run) for run in list_runs(self._folder)}
            rows = [dict(row) for _, row in self._known.values()]
        return sorted(rows, key=lambda row: row["created"] or "", reverse=True)

    def _entry(self, run: Run) -> tuple[Stamps, Row]:
        stamps = stamps_of(run.path, _WATCHED)
        known = self._known.get(run.id)
        if known and known[0] == stamps and known[1]["status"] not in LIVE_STATES:
            return known
        return stamps, _read(run)


def _read(run: Run) -> Row:
    try:
        given, problem = read_notes(run.path), ""
    except RunError as error:
        given, problem = None, str(error)
    row = run.row()
    return {
        **row,
        "own_name": given.name if given else "",
        "notes": given.notes if given else "",
        "tags": [*given.tags] if given else [],
        "notes_problem": problem,
        "keeps": _keeps(run, row),
    }


def _keeps(run: Run, row: Row) -> list[str]:
    """What can be looked at besides the curve: ``gates``, ``weights``; `CURVE_ONLY` of neither.

    Empty where something is still to come.
    """
    folders = {GATES: GATES_FOLDER, WEIGHTS: TRAINED_FOLDER}
    found = [what for what, folder in folders.items() if (run.path / folder).is_dir()]
    return found or [CURVE_ONLY] * (row["status"] == "finished")
