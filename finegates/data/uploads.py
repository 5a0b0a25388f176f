"""Keeps what a user uploaded under a name that can do no harm, lists it, and removes it."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from finegates.data.limits import check_size
from finegates.data.user_files import read_file
from finegates.errors import DataError, shortened
from finegates.files.read_only import check_may_change
from finegates.files.storage import write_atomically

NAME_BYTES = 120
"""Of a name that are kept; with digest and ending they fit into 255 bytes."""
ENDING_CHARACTERS = 16
DIGEST_CHARACTERS = 16
_KEPT = re.compile(rf"(?P<digest>[0-9a-f]{{{DIGEST_CHARACTERS}}})-(?P<name>.+)")


@dataclass(frozen=True)
class KeptFile:
    """An upload that is kept.

    Attributes:
        path: Where it is.
        name: As the user called it, as far as the name was safe.
        size_bytes: Its size.
        kept: When it was uploaded, in local time.
    """

    path: Path
    name: str
    size_bytes: int
    kept: datetime


def save_upload(name: str, content: bytes, folder: Path) -> Path:
    """Keeps an upload in ``folder`` under a safe name that its content decides.

    The same content under the same name is the same file; nothing else is ever overwritten.

    Args:
        name: The name that the browser sent; a path in it is dropped.
        content: The file.
        folder: Made if it does not exist.

    Raises:
        DataError: If it is empty or too large.
    """
    check_may_change("upload a file")
    base = re.split(r"[/\\]", name)[-1]
    check_size(shown_name(name), len(content))
    stem, ending = _stem_and_ending(base)
    digest = hashlib.sha256(content).hexdigest()[:DIGEST_CHARACTERS]
    target = folder / f"{digest}-{stem}{ending}"
    folder.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        write_atomically(target, content)
    return target


def _stem_and_ending(base: str) -> tuple[str, str]:
    """A name without anything that a shell, a path or a page could take for more."""
    safe = re.sub(r"[^\w.-]+", "_", base)
    stem, dot, ending = safe.rpartition(".")
    if not dot or not re.fullmatch(rf"\w{{1,{ENDING_CHARACTERS}}}", ending):
        stem, ending = safe, ""
    stem = stem.strip("._").encode()[:NAME_BYTES].decode(errors="ignore")
    return stem or "upload", f".{ending.lower()}" if ending else ""


def save_readable(
    name: str, content: bytes, folder: Path, read: Callable[[Path], object] = read_file
) -> Path:
    """As `save_upload`, for a file that can be read; of any other nothing is left behind.

    Args:
        name: The name that the browser sent.
        content: The file.
        folder: Where it is kept.
        read: Reads it, and may keep what it reads.

    Raises:
        DataError: If it can't be read; the reason uses the user's name for the file.
    """
    before = {file.path for file in kept_files(folder)}
    path = save_upload(name, content, folder)
    try:
        read(path)
    except BaseException as error:
        if path not in before:
            path.unlink(missing_ok=True)
        if isinstance(error, DataError):
            raise DataError(str(error).replace(path.name, shown_name(name))) from error
        raise
    return path


def shown_name(name: str) -> str:
    """An upload's name for people: without a path, and short enough for a sentence."""
    return shortened(re.split(r"[/\\]", name)[-1])


def kept_files(folder: Path) -> list[KeptFile]:
    """Every upload that is kept in a folder, the newest first. None where there is no folder."""
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        name = _KEPT.fullmatch(path.name)
        if name and path.is_file() and not path.is_symlink():
            status = path.stat()
            kept = datetime.fromtimestamp(status.st_mtime)
            found.append(KeptFile(path, name["name"], status.st_size, kept))
    return sorted(found, key=lambda file: (file.kept, file.name), reverse=True)


def shown_names(kept: Sequence[KeptFile]) -> dict[str, KeptFile]:
    """Files by the user's name for them; several of one name with the time of their upload."""
    names = Counter(file.name for file in kept)
    timed = {
        f: f"{f.name} ({f.kept:%Y-%m-%d %H:%M})" if names[f.name] > 1 else f.name for f in kept
    }
    times = Counter(timed.values())
    shown: dict[str, KeptFile] = {}
    for file, name in timed.items():
        if times[name] > 1:  # within one minute
            name = f"{file.name} ({file.kept:%Y-%m-%d %H:%M:%S})"
        while name in shown:
            name += " again"
        shown[name] = file
    return shown


def delete_upload(path: Path, folder: Path) -> None:
    """Removes an upload for good.

    Args:
        path: From `kept_files`.
        folder: The folder it is kept in.

    Raises:
        DataError: If it is not a kept file of that folder, or can't be removed.
    """
    check_may_change("remove a file")
    if path not in [file.path for file in kept_files(folder)]:
        raise DataError(f"'{path.name}' is not kept here (any more), so it was not removed.")
    try:
        path.unlink()
    except OSError as error:
        raise DataError(f"{path} can't be removed: {error.strerror or error}.") from error
