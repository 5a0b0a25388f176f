"""Claims about notes and tags: kept whole in a file of their own, and never lost to a mistake."""

import json

import pytest

from finegates.errors import RunError
from finegates.files import storage
from finegates.runs.notes import (
    MAX_NOTES_LENGTH,
    MAX_TAG_LENGTH,
    MAX_TAGS,
    NOTES_FILE,
    RunNotes,
    change_tags,
    read_notes,
    write_notes,
)
from tests.fake_results import result


@pytest.fixture
def folder(runs_dir):
    return result(runs_dir).path


def test_notes_are_read_as_they_were_written(folder):
    assert read_notes(folder) == RunNotes()
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    write_notes(folder, "  warm-up too short\nsee 3  ", ["keep", " keep ", "ärger, 1", ""])
    assert read_notes(folder) == RunNotes("warm-up too short\nsee 3", ("keep", "ärger, 1"))
    after = {p.name: p.read_bytes() for p in folder.iterdir()}
    assert json.loads(after.pop(NOTES_FILE)) == {
        "format_version": 1, "notes": "warm-up too short\nsee 3", "tags": ["keep", "ärger, 1"],
    }  # fmt: skip
    assert after == before


def test_without_notes_and_tags_there_is_no_file(folder):
    write_notes(folder, "a", [])
    write_notes(folder, " ", [" "])
    assert not (folder / NOTES_FILE).exists() and read_notes(folder) == RunNotes()


def test_changing_tags_keeps_the_rest(folder):
    write_notes(folder, "mine", ["a", "b"])
    assert change_tags(folder, add=["c", "a"], remove=["b"]) == RunNotes("mine", ("a", "c"))


@pytest.mark.parametrize(
    "content",
    [
        b"{cut", b"[]", b"\xff\xfe", b'{"format_version": 2, "notes": "", "tags": []}',
        b'{"format_version": 1, "tags": []}', b'{"format_version": 1, "notes": 1, "tags": []}',
        b'{"format_version": 1, "notes": "", "tags": "a"}',
        b'{"format_version": 1, "notes": "", "tags": [null]}',
    ],
)  # fmt: skip
def test_a_damaged_file_is_named_and_never_overwritten(folder, content):
    (folder / NOTES_FILE).write_bytes(content)
    for act in (
        lambda: read_notes(folder),
        lambda: write_notes(folder, "new", []),
        lambda: change_tags(folder, add=["new"]),
    ):
        with pytest.raises(RunError, match=NOTES_FILE):
            act()
    assert (folder / NOTES_FILE).read_bytes() == content


@pytest.mark.parametrize(
    ("notes", "tags", "told"),
    [
        ("x" * (MAX_NOTES_LENGTH + 1), [], "10,001 characters; at most 10,000"),
        ("", ["x" * (MAX_TAG_LENGTH + 1)], "41 characters; at most 40"),
        ("", [str(n) for n in range(MAX_TAGS + 1)], "21 tags were given; a run has at most 20"),
    ],
)
def test_what_is_too_much_is_refused_and_the_old_stays(folder, notes, tags, told):
    write_notes(folder, "old", ["old"])
    with pytest.raises(RunError, match=told):
        write_notes(folder, notes, tags)
    assert read_notes(folder) == RunNotes("old", ("old",))


def test_a_crash_while_writing_leaves_the_old_notes(folder, monkeypatch):
    write_notes(folder, "old", [])

    def full_disk(*_) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(storage.os, "fsync", full_disk)
    with pytest.raises(RunError, match="No space left"):
        write_notes(folder, "new", [])
    assert read_notes(folder).notes == "old" and not list(folder.glob("*.part"))


def test_notes_of_a_run_that_is_gone_are_refused(folder):
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(RunError, match="can't be written"):
        write_notes(folder, "too late", [])
    assert not folder.exists()
