"""The bin of a runs folder: what was deleted lies in ``.bin/`` as it was, and can come back.

A run lies there as ``<run>.<seconds since the epoch>``.
"""

import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from finegates.errors import RunError
from finegates.files.read_only import check_may_change
from finegates.runs.folder import BROKEN, RUN_ID, Run
from finegates.runs.status import ACTIVE_STATES

BIN_FOLDER = ".bin"

_BINNED = re.compile(rf"(?P<run>{RUN_ID.pattern})\.(?P<deleted>\d{{9,11}})")


@dataclass(frozen=True)
class BinnedRun:
    """A run that was deleted.

    Attributes:
        path: Where its folder lies now.
        id: The run's id.
        deleted: When it was deleted, in seconds since the epoch.
    """

    path: Path
    id: str
    deleted: int


def delete_run(run: Run) -> Path:
    """Moves a run to the bin of its runs folder and returns where it is now.

    Raises:
        RunError: If it is queued or live; stop it first.
        ReadOnlyError: In read-only mode.
    """
    check_may_change("delete a run")
    try:
        state = run.status().state
    except RunError:
        state = BROKEN
    if state in ACTIVE_STATES:
        raise RunError(f"{run.id} is {state}; stop it before you delete it.")
    target = _binned_path(run, int(time.time()))
    target.parent.mkdir(exist_ok=True)
    shutil.move(run.path, target)
    return target


def list_bin(runs_dir: Path) -> list[BinnedRun]:
    """Deleted runs, the last deleted first. Whatever else lies there is passed over."""
    return sorted(_binned(runs_dir / BIN_FOLDER), key=lambda b: (-b.deleted, b.id))


def restore_run(binned: BinnedRun) -> Run:
    """Moves a run back from the bin, as it was.

    Raises:
        RunError: If it is no longer in the bin, or another run has its id now.
    """
    check_may_change("restore a run")
    target = binned.path.parent.parent / binned.id
    if target.exists():
        raise RunError(
            f"There is a run '{binned.id}' already, so the one in the bin stays there. Delete or "
            "rename that one first."
        )
    try:
        binned.path.rename(target)
    except OSError as error:
        raise RunError(f"{binned.id} can't be moved back from the bin: {error}.") from error
    return Run(target)


def _binned_path(run: Run, deleted: int) -> Path:
    """What `_BINNED` matches."""
    return run.path.parent / BIN_FOLDER / f"{run.id}.{deleted}"


def _binned(folder: Path) -> Iterator[BinnedRun]:
    for path in folder.iterdir() if folder.is_dir() else ():
        found = _BINNED.fullmatch(path.name)
        if found and path.is_dir() and not path.is_symlink():
            yield BinnedRun(path, found["run"], int(found["deleted"]))
