"""Symbolic links in run folders: none is followed.

Run folders are copied from other machines and sent by other people. A link in one could make a page
show a file from anywhere, or a button write or delete there.
"""

import os
from pathlib import Path

from finegates.errors import RunError


def check_no_links(folder: Path) -> None:
    """Raises RunError if a run's folder is a link, or holds one at any depth."""
    if (found := _first_link(folder)) is not None:
        name = found.relative_to(folder.parent)
        raise RunError(
            f"{name} is a symbolic link; links in run folders are not followed, because they can "
            "lead anywhere. Put the file or folder itself in its place."
        )


def open_no_link(path: str, flags: int) -> int:
    """An opener for `open`: fails on a link, and does not wait for a pipe in a file's place."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def _first_link(folder: Path) -> Path | None:
    if folder.is_symlink():
        return folder
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            if (path := Path(place) / name).is_symlink():
                return path
    return None
