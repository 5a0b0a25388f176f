"""A folder that a command is asked to write: checked first, filled whole or left as it was."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from finegates.errors import SpecError
from finegates.settings import user_path


def output_folder(given: str | Path, kept_out: Path, but: Path | None = None) -> Path:
    """The folder that is meant: absolute, ``~`` and links followed; new, or empty.

    Args:
        given: As the user wrote it.
        kept_out: The folder of all runs: nothing is put among them.
        but: The one place in it where something may be put, if there is one.

    Raises:
        SpecError: If it is no place to write into.
    """
    if not str(given).strip() or str(given) == os.devnull:
        raise SpecError("The folder to write is empty; give the name of a new one, such as model.")
    try:
        folder = user_path(str(given)).resolve()
        is_file, is_folder = folder.is_file(), folder.is_dir()
        in_use = is_folder and any(folder.iterdir())
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, not ours to read
        raise _unusable(given, error) from error
    named = f"'{given}'" if str(folder) == str(given) else f"'{given}' ({folder})"
    if in_use:
        raise SpecError(f"The folder {named} is not empty; give one that is, or a new one.")
    if is_file or (folder.exists() and not is_folder):
        raise SpecError(f"{named} is a file; give an empty folder, or a new one.")
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        why = "may not be written into" if nearest.is_dir() else "is a file"
        raise SpecError(f"{named} can't be made: '{nearest}' {why}. Give another place.")
    inside = folder.is_relative_to(kept_out.resolve())
    if inside and (but is None or not folder.is_relative_to(but.resolve())):
        raise SpecError(
            f"The folder {named} is inside the folder of all runs, where it would be taken for a "
            "part of one; give one elsewhere."
        )
    return folder


@contextlib.contextmanager
def filled(folder: Path) -> Iterator[Path]:
    """A hidden folder to write into; it becomes ``folder`` at the end, and is gone after an error.

    Args:
        folder: From `output_folder`; parents that are missing are made.

    Raises:
        SpecError: If it can't be written.
    """
    existed = folder.is_dir()
    place = folder if existed else folder.parent
    partial = place / f".{folder.name}.{os.getpid()}.part"
    made = [p for p in (place, *place.parents) if not p.exists()]
    try:
        try:
            partial.mkdir(parents=True)
        except OSError as error:
            raise _unusable(folder, error) from error
        yield partial
        try:
            _put_in_place(partial, folder, existed)
        except OSError as error:
            raise _unusable(folder, error) from error
        made = []
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        for parent in made:
            with contextlib.suppress(OSError):
                parent.rmdir()


def _put_in_place(partial: Path, folder: Path, existed: bool) -> None:
    if not existed:
        partial.rename(folder)
        return
    for path in sorted(partial.iterdir()):  # the folder itself stays: somebody may be in it
        path.rename(folder / path.name)


def _unusable(folder: str | Path, error: BaseException) -> SpecError:
    why = getattr(error, "strerror", None) or str(error)
    return SpecError(
        f"The folder '{folder}' can't be written: {why.rstrip('.')}. Give another place."
    )
