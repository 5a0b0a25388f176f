"""Claims about uploads that are kept: listed as they are, removed only from their own folder."""

import os

import pytest

from finegates.data.uploads import delete_upload, kept_files, save_upload
from finegates.errors import DataError

ROWS = b"text,label\na,b\n"


def test_kept_files_are_listed_by_the_users_name_the_newest_first(tmp_path):
    assert kept_files(tmp_path / "none") == []
    old = save_upload("first.csv", ROWS, tmp_path)
    new = save_upload("../../second film.tsv", ROWS, tmp_path)
    os.utime(old, (1_000_000, 1_000_000))
    os.utime(new, (2_000_000, 2_000_000))
    assert [(f.name, f.size_bytes) for f in kept_files(tmp_path)] == [
        ("second_film.tsv", len(ROWS)), ("first.csv", len(ROWS)),
    ]  # fmt: skip
    assert kept_files(tmp_path)[1].kept.timestamp() == 1_000_000


def test_other_files_of_the_folder_are_not_listed(tmp_path):
    save_upload("first.csv", ROWS, tmp_path)
    (tmp_path / "notes.csv").write_text("mine")
    (tmp_path / f"{'A' * 16}-model.bin").write_text("mine")
    (tmp_path / f"{'a' * 16}-folder.csv").mkdir()
    (tmp_path / f"{'b' * 16}-link.csv").symlink_to(tmp_path / "notes.csv")
    assert [f.name for f in kept_files(tmp_path)] == ["first.csv"]


def test_a_kept_file_is_removed_and_nothing_else(tmp_path):
    path, other = (save_upload(name, ROWS, tmp_path) for name in ("a.csv", "b.csv"))
    delete_upload(path, tmp_path)
    assert [f.path for f in kept_files(tmp_path)] == [other]
    with pytest.raises(DataError, match="not kept here"):
        delete_upload(path, tmp_path)


def test_a_file_of_another_folder_is_never_removed(tmp_path):
    (tmp_path / "mine.csv").write_text("mine")
    (tmp_path / "kept").mkdir()
    for path in (tmp_path / "mine.csv", tmp_path / "kept" / ".." / "mine.csv"):
        with pytest.raises(DataError):
            delete_upload(path, tmp_path / "kept")
    assert (tmp_path / "mine.csv").is_file()
