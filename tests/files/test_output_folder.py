"""A folder to write is taken as the user meant it, or refused in one sentence; nothing is lost."""

import os
from pathlib import Path

import pytest

from finegates.errors import SpecError
from finegates.files.output_folder import filled, output_folder


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working folder with a file, folders, links and a home, next to a folder of runs."""
    here = tmp_path / "here"
    for name in ("empty", "used", "home", "real"):
        (here / name).mkdir(parents=True)
    (here / "used" / "mine.txt").write_text("keep")
    (here / "file").write_text("keep")
    (here / "link").symlink_to(here / "real")
    (here / "link_to_file").symlink_to(here / "file")
    (here / "dangling").symlink_to(here / "not_yet")
    (here / "loop").symlink_to(here / "loop")
    (tmp_path / "runs" / "run" / "exports").mkdir(parents=True)
    monkeypatch.chdir(here / "empty")
    monkeypatch.setenv("HOME", str(here / "home"))
    return here


def asked(place: Path, given: str) -> Path:
    runs = place.parent / "runs"
    return output_folder(given.format(here=place, runs=runs), runs, runs / "run" / "exports")


def write(folder: Path) -> None:
    with filled(folder) as partial:
        (partial / "config.json").write_text("{}")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (".", "empty"), ("./", "empty"), ("new", "empty/new"), ("~", "home"), ("~/a/b", "home/a/b"),
        ("../link", "real"), ("../link/", "real"), ("../link/in", "real/in"),
        ("../dangling", "not_yet"), ("{here}/x/y/z", "x/y/z"), ("../empty/../empty", "empty"),
        ("with blank ü", "empty/with blank ü"), ("{runs}/run/exports/a", "../runs/run/exports/a"),
    ],
)  # fmt: skip
def test_a_new_or_empty_folder_is_written_whole(place, given, meant):
    folder = asked(place, given)
    write(folder)
    assert folder == (place / meant).resolve()
    assert [path.name for path in folder.iterdir()] == ["config.json"]
    assert not [path for path in place.parent.rglob("*.part")]


def test_a_folder_in_which_somebody_is_stays_the_same(place):
    before = Path().stat().st_ino
    write(asked(place, "."))
    assert Path().stat().st_ino == before and Path("config.json").is_file()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("", "empty"), (" ", "empty"), ("../file", "is a file"), ("../link_to_file", "is a file"),
        ("../file/in", "here/file' is a file"), ("../used", "not empty"), ("..", "not empty"),
        ("/", "not empty"), ("../loop", "can't be"), ("x" * 300, "can't be"), ("a\0b", "can't be"),
        ("{runs}", "not empty"), ("{runs}/run", "not empty"), ("{runs}/new", "folder of all runs"),
        ("{runs}/run/new", "folder of all runs"), ("{runs}/run/exports/../new", "of all runs"),
        ("/proc/1/task", "not empty"),
    ],
)  # fmt: skip
def test_any_other_place_is_a_sentence_and_nothing_changes(place, given, words):
    before = sorted(place.parent.rglob("*"))
    with pytest.raises(SpecError, match=words) as told:
        write(asked(place, given))
    assert "\n" not in str(told.value) and sorted(place.parent.rglob("*")) == before


def test_a_place_that_may_not_be_written_is_a_sentence(place, monkeypatch):
    def refuse(path, *_, **__):
        raise PermissionError(13, "Permission denied", str(path))

    folder = asked(place, "a/b")
    with monkeypatch.context() as patched, pytest.raises(SpecError, match="may not be written"):
        patched.setattr(os, "access", lambda *_: False)
        asked(place, "a/b")
    monkeypatch.setattr(os, "mkdir", refuse)
    with pytest.raises(SpecError, match=r"can't be written: Permission denied\. Give another"):
        write(folder)


@pytest.mark.parametrize("given", ["new", "deep/er/new", "."])
def test_work_that_fails_leaves_nothing(place, given):
    before = sorted(place.rglob("*"))
    with pytest.raises(ZeroDivisionError), filled(asked(place, given)) as partial:
        (partial / "half.bin").write_text("half")
        raise ZeroDivisionError
    assert sorted(place.rglob("*")) == before
