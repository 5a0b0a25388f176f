"""Keeps what a user uploaded under a name that can do no harm."""

import hashlib
import re
from pathlib import Path

from finegates.files import check_extension, check_size
from finegates.storage import write_atomically

NAME_CHARACTERS = 80


def save_upload(name: str, content: bytes, folder: Path) -> Path:
    """Keeps an upload in ``folder`` under a safe name that its content decides.

    The same content under the same name is the same file; nothing else is ever overwritten.

    Args:
        name: The name that the browser sent; a path in it is dropped.
        content: The file.
        folder: Made if it does not exist.

    Raises:
        DataError: If the kind of file is not allowed, or it is empty or too large.
    """
    base = re.split(r"[/\\]", name)[-1]
    extension = check_extension(base)
    check_size(base, len(content))
    stem = re.sub(r"[^\w.-]+", "_", base[: -len(extension)]).strip("._")[:NAME_CHARACTERS]
    digest = hashlib.sha256(content).hexdigest()[:16]
    target = folder / f"{digest}-{stem or 'upload'}{extension}"
    folder.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        write_atomically(target, content)
    return target
