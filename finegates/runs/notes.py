"""Name, notes and tags that the user gives a run: ``notes.json`` in its folder.

The user is the only writer. What the run is and does stays in ``spec.json`` and ``status.json``,
which nothing here touches.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from finegates.errors import RunError, shortened
from finegates.files.links import check_no_links
from finegates.files.read_only import check_may_change
from finegates.files.storage import read_json, write_json

FORMAT_VERSION = 1
NOTES_FILE = "notes.json"
MAX_NAME_LENGTH = 120
MAX_NOTES_LENGTH = 10_000
MAX_TAG_LENGTH = 40
MAX_TAGS = 20


@dataclass(frozen=True)
class RunNotes:
    """What the user says of a run.

    Attributes:
        notes: Free text, at most `MAX_NOTES_LENGTH` characters.
        tags: Words to find runs by, each once, in the order in which they were given.
        name: What the run is to be called, at most `MAX_NAME_LENGTH` characters in one line; empty
            where it is called by what it is (`finegates.runs.names`).
    """

    notes: str = ""
    tags: tuple[str, ...] = ()
    name: str = ""


def read_notes(folder: Path) -> RunNotes:
    """The name, notes and tags of a run; empty ones if it has none.

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
    notes, tags, name = record.get("notes"), record.get("tags"), record.get("name", "")
    if not isinstance(notes, str) or not isinstance(tags, list) or not isinstance(name, str):
        raise _damaged(folder, "it needs a text 'notes', a list 'tags', and may have a text 'name'")
    if wrong := [tag for tag in tags if not isinstance(tag, str) or not tag.strip()]:
        raise _damaged(folder, f"{str(wrong[0])[:40]!r} is no tag")
    return RunNotes(notes, tuple(dict.fromkeys(tags)), shortened(name, MAX_NAME_LENGTH))


def write_notes(folder: Path, notes: str, tags: Iterable[str]) -> RunNotes:
    """Replaces the notes and tags of a run; its name stays. Without any of them, the file goes.

    Args:
        folder: The run's folder.
        notes: Free text; blanks around it are dropped.
        tags: Each counts once; blanks around them, and empty ones, are dropped.

    Raises:
        RunError: If text or tags are too long or too many, the folder is gone or can't be written,
            or the file is damaged: it may hold what the user would miss.
    """
    tags = tuple(dict.fromkeys(t.strip() for t in tags if t.strip()))
    return _write(folder, lambda now: replace(now, notes=notes.strip(), tags=tags))


def rename_run(folder: Path, name: str) -> RunNotes:
    """Names a run; its notes and tags stay.

    Args:
        folder: The run's folder.
        name: What it is to be called, in one line; an empty one calls it by what it is again.

    Raises:
        RunError: If the name is too long or is more than a line, or as `write_notes`.
    """
    return _write(folder, lambda now: replace(now, name=name.strip()))


def _write(folder: Path, change: Callable[[RunNotes], RunNotes]) -> RunNotes:
    check_may_change("write notes")
    check_no_links(folder)
    kept = change(read_notes(folder))
    _check(kept)
    try:
        if kept == RunNotes():
            (folder / NOTES_FILE).unlink(missing_ok=True)
        else:
            record = {"format_version": FORMAT_VERSION, "notes": kept.notes, "tags": [*kept.tags]}
            if kept.name:
                record["name"] = kept.name
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
    if len(given.name) > MAX_NAME_LENGTH or not given.name.isprintable():
        raise RunError(
            f"A run's name is one line of at most {MAX_NAME_LENGTH} characters; this one has "
            f"{len(given.name):,}. Shorten it, or put the rest into the notes."
        )
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
