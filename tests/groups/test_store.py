"""Claims about groups: whole or not at all, never a list's undoing, and never two of one name."""

import json
import os
from dataclasses import replace
from multiprocessing.pool import ThreadPool

import pytest

from finegates.errors import RunError, SpecError
from finegates.files import storage
from finegates.groups import store as groups
from finegates.groups.store import (
    Cell,
    Group,
    create_group,
    groups_lock,
    list_groups,
    open_group,
    save_group,
)
from finegates.runs.folder import list_runs
from tests.fake_results import group_of

CELLS = (Cell("finegates", 0.2, 0), Cell("full", 0.0, 0), Cell("finegates", 0.2, 1))
SETTINGS = {"task": "sample", "epochs": 3, "target_modules": ["q", "v"]}


@pytest.fixture
def group(runs_dir) -> Group:
    return create_group(runs_dir, "mine", SETTINGS, CELLS, "again")


def test_a_group_is_read_as_it_was_made(runs_dir, group):
    assert open_group(runs_dir, "mine") == group
    assert (group.cells, group.settings, group.command) == (CELLS, SETTINGS, "again")
    assert group.path == runs_dir / "mine.group.json"
    named = group.with_run(CELLS[1], "20260101-a")
    save_group(named)
    assert open_group(runs_dir, "mine") == named
    assert [cell.run for cell in named.cells] == [None, "20260101-a", None]
    assert named.runs == ["20260101-a"]


def test_the_file_has_the_documented_keys(group):
    record = json.loads(group.path.read_bytes())
    assert set(record) == {"format_version", "name", "created", "command", "settings", "cells"}
    assert record["format_version"] == 1
    assert record["cells"][0] == {
        "method": "finegates", "target_sparsity": 0.2, "seed": 0, "run": None,
    }  # fmt: skip


def test_a_group_is_no_run(runs_dir, group):
    assert list_runs(runs_dir) == []


def test_a_crash_while_saving_leaves_the_old_group(runs_dir, group, monkeypatch):
    def full_disk(*_) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(storage.os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        save_group(group.with_run(CELLS[0], "x"))
    assert open_group(runs_dir, "mine") == group
    assert [name for name in os.listdir(runs_dir) if name.endswith(".part")] == []


def test_tuples_of_settings_are_kept_as_lists(runs_dir):
    made = create_group(runs_dir, "t", {"target_modules": ("q", "v")}, CELLS, "again")
    assert open_group(runs_dir, "t") == made


# The same name again


def test_the_same_group_again_is_the_one_that_is_there_with_its_runs(runs_dir, group):
    save_group(group.with_run(CELLS[0], "20260101-a"))
    again = create_group(runs_dir, "mine", dict(SETTINGS), reversed(CELLS), "other words")
    assert again == group.with_run(CELLS[0], "20260101-a")


@pytest.mark.parametrize(
    ("settings", "cells", "words"),
    [
        (SETTINGS, CELLS[:2], "other methods, targets or seeds"),
        (SETTINGS, (*CELLS, Cell("lora", 0.0, 0)), "other methods, targets or seeds"),
        ({**SETTINGS, "epochs": 4}, CELLS, "another epochs"),
        ({"task": "sample", "batch_size": 8}, CELLS, "another batch_size, epochs, target_modules"),
    ],
)
def test_another_group_of_a_name_is_refused_and_the_first_stays(
    runs_dir, group, settings, cells, words
):
    with pytest.raises(RunError, match=f"'mine' already, with {words}.*: again"):
        create_group(runs_dir, "mine", settings, cells, "mine too")
    assert open_group(runs_dir, "mine") == group


def test_of_two_groups_made_at_once_under_one_name_one_is_refused(runs_dir):
    def make(seed: int) -> str:
        try:
            return create_group(runs_dir, "one", {}, [Cell("full", 0.0, seed)], "c").name
        except RunError:
            return "refused"

    with ThreadPool(8) as pool:
        answers = pool.map(make, range(8))
    assert sorted(answers) == ["one", *["refused"] * 7]


def test_who_waits_too_long_for_another_process_is_told_so(runs_dir, monkeypatch):
    monkeypatch.setattr(groups, "_LOCK_WAIT_S", 0.05)
    with (
        groups_lock(runs_dir),
        pytest.raises(RunError, match="Another process"),
        groups_lock(runs_dir),
    ):
        pass


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".hidden", "a/b", "../x", "a b", "a\0b", "x" * 101]
)
def test_a_path_is_no_name(runs_dir, name):
    with pytest.raises(SpecError, match="can't be a group's name"):
        create_group(runs_dir, name, {}, CELLS, "c")
    with pytest.raises(RunError):
        open_group(runs_dir, name)
    assert os.listdir(runs_dir) == []


def test_a_group_of_nothing_is_refused(runs_dir):
    with pytest.raises(SpecError, match="asks for no run"):
        create_group(runs_dir, "none", {}, [], "c")
    assert list_groups(runs_dir) == []


# Listing


def test_the_newest_group_comes_first(runs_dir):
    cells = [Cell("full", 0.0, 0)]
    for name, year in (("a", 2024), ("c", 2026), ("b", 2025)):
        save_group(replace(group_of(runs_dir, name, cells), created=f"{year}-01-01T00:00:00.000"))
    assert [group.name for group in list_groups(runs_dir)] == ["c", "b", "a"]
    assert list_groups(runs_dir / "missing") == []


def cell_without(name: str) -> dict:
    sound = {"method": "full", "target_sparsity": 0.0, "seed": 0, "run": None}
    return {k: v for k, v in sound.items() if k != name}


SPOILT: dict[str, bytes | dict] = {
    "nothing": b"",
    "half": b'{"format_version": 1, "na',
    "binary": b"\x80\x00",
    "a list": b"[]",
    "another format": {"format_version": 2},
    "something else": {"format_version": None},
    "no settings": {"settings": None},
    "cells that are words": {"cells": ["a"]},
    "a cell without seed": {"cells": [cell_without("seed")]},
    "a cell without target": {"cells": [cell_without("target_sparsity")]},
    "a target out of range": {"cells": [{**cell_without(""), "target_sparsity": 7}]},
    "a path as run": {"cells": [{**cell_without(""), "run": "../../etc"}]},
    "a number as run": {"cells": [{**cell_without(""), "run": 3}]},
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_damaged_or_foreign_file_says_why_beside_the_others(runs_dir, group, how):
    changes = SPOILT[how]
    sound = json.loads(group.path.read_bytes())
    content = changes if isinstance(changes, bytes) else json.dumps({**sound, **changes}).encode()
    (runs_dir / "bad.group.json").write_bytes(content)
    with pytest.raises(RunError, match="bad.group.json"):
        open_group(runs_dir, "bad")
    first, broken = list_groups(runs_dir)
    assert first == group
    assert (broken.name, broken.cells) == ("bad", ())
    assert "bad.group.json" in broken.problem
    with pytest.raises(RunError, match="bad.group.json"):
        create_group(runs_dir, "bad", SETTINGS, CELLS, "c")


def test_what_is_no_group_is_not_listed(runs_dir, group):
    (runs_dir / "folder.group.json").mkdir()
    (runs_dir / ".hidden.group.json").write_text("{}")
    (runs_dir / "group.json").write_text("{}")
    assert list_groups(runs_dir) == [group]


def test_a_mistyped_name_is_answered_with_the_closest(runs_dir, group):
    with pytest.raises(RunError, match="Did you mean 'mine'"):
        open_group(runs_dir, "mime")


def test_a_name_in_a_folder_without_groups_is_answered_with_that(runs_dir):
    with pytest.raises(RunError, match="holds no groups"):
        open_group(runs_dir, "mine")
