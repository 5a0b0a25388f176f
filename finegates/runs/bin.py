"""The bin of a runs folder: what was deleted lies in ``.bin/`` as it was, and can come back.

`finegates.runs.folder.delete_run` puts runs there, as ``<run>.<seconds since the epoch>``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from finegates.errors import RunError
from finegates.files.read_only import check_may_change
from finegates.runs.folder import BIN_FOLDER, RUN_ID, Run

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


def list_bin(runs_dir: Path) -> list[BinnedRun]:
    """Deleted runs, the last deleted first. Files of deleted groups are passed over."""
    return sorted(_binned(runs_dir / BIN_FOLDER), key=lambda b: (-b.deleted, b.id))


def restore_run(binned: BinnedRun) -> Run:
    """Moves a run back from the bin, as it was.

    Raises:
        RunError: If it is no longer in the bin, or a run of that id is there again.
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


def _binned(folder: Path) -> Iterator[BinnedRun]:
    for path in folder.iterdir() if folder.is_dir() else ():
        found = _BINNED.fullmatch(path.name)
        if found and path.is_dir() and not path.is_symlink():
            yield BinnedRun(path, found["run"], int(found["deleted"]))
