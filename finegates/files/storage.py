"""Files that survive a crash: JSON replaced atomically, lines appended, lines read as they come."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finegates.errors import RunError
from finegates.files.links import open_no_link

Stamps = tuple[tuple[int, int, int] | None, ...]


def write_atomically(path: Path, content: bytes) -> None:
    """Replaces a file as a whole: a reader sees the old or the new one, never a part."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(partial, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_json(path: Path, content: Any) -> None:
    """Writes JSON atomically."""
    write_atomically(path, json.dumps(content, indent=1, allow_nan=False).encode())


def read_json(path: Path) -> dict[str, Any]:
    """Reads a JSON object.

    Raises:
        RunError: If the file is missing, is not JSON, or is not an object.
    """
    try:
        with open(path, "rb", opener=open_no_link) as file:
            content = json.loads(file.read())
    except FileNotFoundError:
        raise RunError(f"{path.parent.name} has no {path.name}; it is not a run folder.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"{path.parent.name}/{path.name} can't be read: {error}.") from error
    if not isinstance(content, dict):
        raise RunError(f"{path.parent.name}/{path.name} is not a JSON object.")
    return content


def read_tail(path: Path, num_bytes: int) -> str:
    """The end of a text file, at most this many bytes of it; empty if it can't be read."""
    try:
        with open(path, "rb", opener=open_no_link) as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - num_bytes))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def append_line(path: Path, row: dict[str, Any]) -> None:
    """Appends one JSON line. One process at a time may append to a file.

    A line that a crash cut short is closed first, so that it can't spoil this one.
    """
    line = json.dumps(row, allow_nan=False, separators=(",", ":")) + "\n"
    with open(path, "ab+") as file:
        if file.tell() and not _ends_with_newline(file):
            line = "\n" + line
        file.write(line.encode())


def _ends_with_newline(file: Any) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


class LineReader:
    """Reads the JSON lines that were added since the last call.

    Keeps a byte offset and never parses past the last newline, so a line that is being written is
    left for the next call. A line that is not a JSON object is counted and passed over.

    Attributes:
        num_bad_lines: How many lines could not be parsed so far.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.num_bad_lines = 0
        self._offset = 0

    def read_new(self) -> list[dict[str, Any]]:
        """The rows added since the last call; all of them if the file has become shorter.

        Raises:
            RunError: If the file exists but can't be read.
        """
        try:
            with open(self.path, "rb", opener=open_no_link) as file:
                if os.fstat(file.fileno()).st_size < self._offset:
                    self._offset = 0
                file.seek(self._offset)
                content = file.read()
        except FileNotFoundError:
            return []
        except OSError as error:
            name = f"{self.path.parent.name}/{self.path.name}"
            raise RunError(f"{name} can't be read: {error}.") from error
        end = content.rfind(b"\n") + 1
        self._offset += end
        rows = (self._parse(line) for line in content[:end].split(b"\n"))
        return [row for row in rows if row is not None]

    def _parse(self, line: bytes) -> dict[str, Any] | None:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if isinstance(row, dict):
            return row
        self.num_bad_lines += bool(line.strip())
        return None


def stamps_of(folder: Path, names: Sequence[str]) -> Stamps:
    """What changes when one of a folder's files does; a replaced file has another inode."""
    return tuple(_stamp(f"{folder}/{name}") for name in names)


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116  called for thousands of files, again and again
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
