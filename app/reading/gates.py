"""The gates that runs have stored: which runs carry any, and those of one step."""

from pathlib import Path

from app.reading.cache import changed_ns, shared
from finegates.errors import RunError
from finegates.gates.snapshots import Snapshot, load_snapshot, snapshot_path
from finegates.runs.folder import GATES_FOLDER, Run, list_runs


def gated_runs(folder: Path) -> list[str]:
    """Ids of runs whose folder carries gate values, newest first."""
    return [run.id for run in list_runs(folder) if (run.path / GATES_FOLDER).is_dir()]


def snapshot_at(run: Run, step: int) -> Snapshot:
    """The gates at a step.

    Raises:
        RunError: If there are none, or they are damaged.
    """
    path = snapshot_path(run.path / GATES_FOLDER, step)
    if not path.is_file():
        raise RunError(f"{run.id} has no gates at step {step}.")
    return _snapshot_at(str(path), changed_ns(path))


@shared(16)
def _snapshot_at(path: str, changed_ns: int) -> Snapshot:
    """Not copied: a copy would forget the places of all vectors, at each repaint."""
    found = load_snapshot(Path(path))
    found.means.setflags(write=False)
    return found
