"""Groups: a file next to the runs that lists the runs of one sweep.

``<runs_dir>/<name>.group.json`` is a plain file, so no list of runs sees it. A group owns nothing:
its runs are ordinary runs, and stay when its file is deleted.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from finegates.errors import RunError, SpecError, unknown_name
from finegates.files.read_only import check_may_change
from finegates.groups.file import (
    GROUP_SUFFIX,
    Cell,
    Group,
    name_of,
    read_group,
    save_group,
)
from finegates.runs.folder import RUN_ID

LOCK_FILE = ".groups.lock"
MAX_NAME_LENGTH = 100
"""With suffix and time it still fits a file name of 255 bytes."""

_LOCK_WAIT_S = 60.0
_NAMES_SHOWN = 20

__all__ = [
    "Cell", "Group", "check_name", "create_group", "difference", "group_path",
    "groups_lock", "list_groups", "open_group", "save_group",
]  # fmt: skip


def group_path(runs_dir: Path, name: str) -> Path:
    """Where the file of a group is."""
    return runs_dir / f"{name}{GROUP_SUFFIX}"


def list_groups(runs_dir: Path) -> list[Group]:
    """Every group, newest first; damaged ones last, without cells and with their ``problem``."""
    paths = runs_dir.glob(f"*{GROUP_SUFFIX}") if runs_dir.is_dir() else ()
    named = [path for path in paths if RUN_ID.fullmatch(name_of(path)) and path.is_file()]
    return sorted(map(_read_or_say_why, named), key=lambda g: (g.created, g.name), reverse=True)


def open_group(runs_dir: Path, name: str) -> Group:
    """A group by its name.

    Raises:
        RunError: If there is no such group (the closest is named), or its file is damaged.
    """
    if RUN_ID.fullmatch(name) and group_path(runs_dir, name).is_file():
        return read_group(group_path(runs_dir, name))
    names = [group.name for group in list_groups(runs_dir)]
    if not names:
        raise RunError(f"There is no group '{name}': {runs_dir} holds no groups.")
    raise RunError(unknown_name("group", name, names, shown=_NAMES_SHOWN))


def create_group(
    runs_dir: Path, name: str, settings: Mapping[str, Any], cells: Iterable[Cell], command: str
) -> Group:
    """Makes a group, or gives the one of that name if it asks for the same.

    Args:
        runs_dir: Folder of all runs; made if missing.
        name: Built as a run's id is: letters, digits, ``.``, ``_`` and ``-``.
        settings: What was chosen for all runs, as `finegates.groups.sweep.check_cells` gives it.
        cells: The runs it asks for.
        command: The command line that repeats it.

    Raises:
        SpecError: If the name can't be one, or no cell is given.
        RunError: If a group of that name asks for something else, or is damaged.
    """
    check_may_change("make a group")
    check_name(name)
    created = datetime.now(UTC).isoformat(timespec="milliseconds")
    plain = {k: list(v) if isinstance(v, tuple) else v for k, v in settings.items()}
    group = Group(group_path(runs_dir, name), name, created, command, plain, tuple(cells))
    if not group.cells:
        raise SpecError(f"The group '{name}' asks for no run; name at least one method and seed.")
    runs_dir.mkdir(parents=True, exist_ok=True)
    with groups_lock(runs_dir):
        if not group.path.exists():
            save_group(group)
            return group
        there = read_group(group.path)
    if differs := difference(there, group.settings, group.cells):
        raise RunError(
            f"There is a group '{name}' already, with {differs}. Choose another name, or go on "
            f"with it as it was made: {there.command}"
        )
    return there


def difference(group: Group, settings: Mapping[str, Any], cells: Iterable[Cell]) -> str:
    """In what a group differs from what is wanted, in words; empty if it asks for the same."""
    if {c.key for c in group.cells} != {c.key for c in cells}:
        return "other methods, targets or seeds"
    names = sorted({*group.settings, *settings})
    differing = [name for name in names if group.settings.get(name) != settings.get(name)]
    return f"another {', '.join(differing)}" if differing else ""


def check_name(name: str) -> None:
    """Raises SpecError if a group can't have this name."""
    if not RUN_ID.fullmatch(name) or len(name) > MAX_NAME_LENGTH:
        raise SpecError(
            f"'{name[:MAX_NAME_LENGTH]}' can't be a group's name: it begins with a letter or "
            "digit and holds letters, digits, '.', '_' and '-' only, at most "
            f"{MAX_NAME_LENGTH} of them."
        )


@contextmanager
def groups_lock(runs_dir: Path) -> Iterator[None]:
    """Keeps other processes from changing groups of this folder meanwhile."""
    lock = FileLock(runs_dir / LOCK_FILE, timeout=_LOCK_WAIT_S)
    try:
        lock.acquire()
    except Timeout:
        raise RunError(
            f"Another process has been changing the groups of {runs_dir} for {_LOCK_WAIT_S:.0f} s; "
            "try again when it has ended."
        ) from None
    try:
        yield
    finally:
        lock.release()


def _read_or_say_why(path: Path) -> Group:
    try:
        return read_group(path)
    except RunError as error:
        return Group(path, name_of(path), "", "", {}, (), str(error))
