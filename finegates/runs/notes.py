"""Notes and tags that the user gives a run: ``notes.json`` in its folder.

The user is the only writer. What the run is and does stays in ``spec.json`` and ``status.json``,
which nothing here touches.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from finegates.errors import RunError
from finegates.files.links import check_no_links
from finegates.files.read_only import check_may_change
from finegates.files.storage import read_json, write_json

FORMAT_VERSION = 1
NOTES_FILE = "notes.json"
MAX_NOTES_LENGTH = 10_000
MAX_TAG_LENGTH = 40
MAX_TAGS = 20


@dataclass(frozen=True)
class RunNotes:
    """What the user says of a run.

    Attributes:
        notes: Free text, at most `MAX_NOTES_LENGTH` characters.
        tags: Words to find runs by, each once, in the order in which they were given.
    """

    notes: str = ""
    tags: tuple[str, ...] = ()


def read_notes(folder: Path) -> RunNotes:
    """The notes and tags of a run; empty ones if it has none.

    Args:
        folder: The run's folder.

    Raises:
        RunError: If the file is damaged or of another format version.
    """
    path = folder / NOTES_FILE
    if not path.exists():
        return RunNotes()
    record = read_json(path)
    if record.get("format_version") != FORMAT_VERSION:
        raise RunError(
            f"{folder.name}/{NOTES_FILE} has format version {record.get('format_version')!r}; "
            f"this program reads version {FORMAT_VERSION}. Update finegates, or move the file away."
        )
    notes, tags = record.get("notes"), record.get("tags")
    if not isinstance(notes, str) or not isinstance(tags, list):
        raise _damaged(folder, "it needs a text 'notes' and a list 'tags'")
    if wrong := [tag for tag in tags if not isinstance(tag, str) or not tag.strip()]:
        raise _damaged(folder, f"{str(wrong[0])[:40]!r} is no tag")
    return RunNotes(notes, tuple(dict.fromkeys(tags)))


def write_notes(folder: Path, notes: str, tags: Iterable[str]) -> RunNotes:
    """Replaces the notes and tags of a run as a whole; without any, the file goes.

    Args:
        folder: The run's folder.
        notes: Free text; blanks around it are dropped.
        tags: Each counts once; blanks around them, and empty ones, are dropped.

    Raises:
        RunError: If text or tags are too long or too many, the folder is gone or can't be written,
            or the file is damaged: it may hold what the user would miss.
    """
    check_may_change("write notes")
    check_no_links(folder)
    read_notes(folder)
    kept = RunNotes(notes.strip(), tuple(dict.fromkeys(t.strip() for t in tags if t.strip())))
    _check(kept)
    try:
        if kept == RunNotes():
            (folder / NOTES_FILE).unlink(missing_ok=True)
        else:
            record = {"format_version": FORMAT_VERSION, "notes": kept.notes, "tags": [*kept.tags]}
            write_json(folder / NOTES_FILE, record)
    except (OSError, UnicodeError) as error:
        raise RunError(f"The notes of {folder.name} can't be written: {error}.") from error
    return kept


def change_tags(folder: Path, add: Iterable[str] = (), remove: Iterable[str] = ()) -> RunNotes:
    """Adds and removes tags of a run; its notes and other tags stay.

    Raises:
        RunError: As `write_notes`.
    """
    now, gone = read_notes(folder), set(remove)
    return write_notes(folder, now.notes, [*(t for t in now.tags if t not in gone), *add])


def _check(given: RunNotes) -> None:
    if (length := len(given.notes)) > MAX_NOTES_LENGTH:
        raise RunError(
            f"The notes have {length:,} characters; at most {MAX_NOTES_LENGTH:,} are kept. Shorten "
            "them, or put the rest in a file of your own."
        )
    if too_long := [tag for tag in given.tags if len(tag) > MAX_TAG_LENGTH]:
        raise RunError(
            f"The tag '{too_long[0][:MAX_TAG_LENGTH]}…' has {len(too_long[0])} characters; at most "
            f"{MAX_TAG_LENGTH} are allowed. Put long text into the notes."
        )
    if len(given.tags) > MAX_TAGS:
        raise RunError(
            f"{len(given.tags)} tags were given; a run has at most {MAX_TAGS}. Remove some first."
        )


def _damaged(folder: Path, what: str) -> RunError:
    return RunError(
        f"{folder.name}/{NOTES_FILE} is damaged: {what}. Mend the file, or move it away."
    )
