"""SHA-256 of files: what a run records of its base model, to know it again."""

import hashlib
import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path


def file_digest(path: Path) -> str:
    """SHA-256 of a file in hex, about 1 s for each GB; known again while it is not written to."""
    status = path.stat()
    return _digest(str(path.resolve()), status.st_size, status.st_mtime_ns)


def files_digest(paths: Iterable[Path]) -> str:
    """SHA-256 of several files and their names; that of its content if it is one."""
    digests = {path.name: file_digest(path) for path in paths}
    return digests.popitem()[1] if len(digests) == 1 else content_digest(digests)


def content_digest(content: object) -> str:
    """SHA-256 of what a JSON file says, however it is laid out."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@lru_cache(maxsize=64)
def _digest(path: str, size: int, mtime_ns: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
