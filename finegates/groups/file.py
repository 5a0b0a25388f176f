"""The file of a group: what is in it, read with distrust, replaced atomically."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from finegates.errors import RunError
from finegates.files.storage import read_json, write_json
from finegates.runs.folder import RUN_ID

FORMAT_VERSION = 1
GROUP_SUFFIX = ".group.json"


@dataclass(frozen=True)
class Cell:
    """One run that a group asks for.

    Attributes:
        method: Name of the method.
        target: Its ``target_sparsity``, in [0, 1].
        seed: Its seed.
        run: Id of its run; None before one is made.
    """

    method: str
    target: float
    seed: int
    run: str | None = None

    @property
    def key(self) -> tuple[str, float, int]:
        """What it asks for, whatever run answers it."""
        return self.method, self.target, self.seed


@dataclass(frozen=True)
class Group:
    """A group file, read.

    Attributes:
        path: The file.
        name: The file's name without the suffix.
        created: When it was made, in ISO 8601.
        command: The command line that repeats it.
        settings: What was chosen for all its runs: setting name to JSON value.
        cells: The runs it asks for, in the order in which they are queued.
        problem: Why the file can't be read; empty for a sound one.
    """

    path: Path
    name: str
    created: str
    command: str
    settings: Mapping[str, Any]
    cells: tuple[Cell, ...]
    problem: str = ""

    @property
    def runs(self) -> list[str]:
        """Ids of the runs it names; one that was deleted meanwhile is among them."""
        return [cell.run for cell in self.cells if cell.run]

    def with_run(self, cell: Cell, run_id: str) -> "Group":
        """The same group where this cell is answered by this run."""
        cells = [replace(c, run=run_id) if c.key == cell.key else c for c in self.cells]
        return replace(self, cells=tuple(cells))


def save_group(group: Group) -> None:
    """Replaces the file of a group, atomically."""
    record = {
        "format_version": FORMAT_VERSION,
        "name": group.name,
        "created": group.created,
        "command": group.command,
        "settings": dict(group.settings),
        "cells": [
            {"method": c.method, "target_sparsity": c.target, "seed": c.seed, "run": c.run}
            for c in group.cells
        ],
    }
    write_json(group.path, record)


def read_group(path: Path) -> Group:
    """Reads a group file. Its name is the file's, so that a copy under another name is sound.

    Raises:
        RunError: If it is damaged, of another format version, or something else altogether.
    """
    record = read_json(path)
    version = record.get("format_version")
    if version != FORMAT_VERSION:
        raise RunError(
            f"{path.name} has format version {version!r}; this program reads groups of version "
            f"{FORMAT_VERSION}. Update finegates, or move the file away."
        )
    kinds = {"created": str, "command": str, "settings": dict, "cells": list}
    for name, kind in kinds.items():
        if not isinstance(record.get(name), kind):
            raise RunError(f"{path.name} is damaged: {name} is {str(record.get(name))[:80]!r}.")
    cells = tuple(_cell(content, path) for content in record["cells"])
    return Group(
        path, name_of(path), record["created"], record["command"], record["settings"], cells
    )


def name_of(path: Path) -> str:
    """The name of the group in this file."""
    return path.name.removesuffix(GROUP_SUFFIX)


def _cell(content: Any, path: Path) -> Cell:
    given = content if isinstance(content, dict) else {}
    run = given.get("run")
    named = run is None or (isinstance(run, str) and RUN_ID.fullmatch(run))
    match given:
        case {"method": str(method), "target_sparsity": int() | float() as target, "seed": int(n)}:
            if named and 0 <= target <= 1:
                return Cell(method, float(target), n, run)
    raise RunError(f"{path.name} is damaged: {str(content)[:80]} is not one of its runs.")
