"""Claims about the bin: what was deleted comes back as it was, and takes nobody's place."""

import pytest

from finegates.errors import RunError
from finegates.runs import bin as runs_bin
from finegates.runs.bin import BIN_FOLDER, delete_run, list_bin, restore_run
from finegates.runs.folder import list_runs
from tests.fake_results import in_state, result


def content(folder) -> dict:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_deleted_run_comes_back_as_it_was(runs_dir):
    run = result(runs_dir)
    before = content(run.path)
    delete_run(run)
    (binned,) = list_bin(runs_dir)
    assert binned.id == run.id and list_runs(runs_dir) == []
    assert restore_run(binned) == run
    assert content(run.path) == before and list_bin(runs_dir) == []


def test_the_bin_has_runs_only_the_last_deleted_first(runs_dir, monkeypatch):
    assert list_bin(runs_dir) == []
    first, second = result(runs_dir), result(runs_dir, seed=1)
    for number, run in enumerate((second, first)):
        monkeypatch.setattr(runs_bin.time, "time", lambda at=number: 1_800_000_000.5 + at)
        delete_run(run)
    (runs_dir / BIN_FOLDER / "something else").mkdir()
    (runs_dir / BIN_FOLDER / f"{first.id}.1800000002").write_text("no folder")
    assert [(b.id, b.deleted) for b in list_bin(runs_dir)] == [
        (first.id, 1_800_000_001), (second.id, 1_800_000_000),
    ]  # fmt: skip


def test_a_run_in_its_place_is_not_touched(runs_dir):
    run = result(runs_dir)
    delete_run(run)
    (binned,) = list_bin(runs_dir)
    run.path.mkdir()
    (run.path / "mine").write_text("stays")
    with pytest.raises(RunError, match="already"):
        restore_run(binned)
    assert content(run.path) == {"mine": b"stays"} and list_bin(runs_dir) == [binned]


def test_what_is_no_longer_in_the_bin_is_told(runs_dir):
    delete_run(result(runs_dir))
    (binned,) = list_bin(runs_dir)
    restore_run(binned).path.rename(runs_dir / "moved")
    with pytest.raises(RunError, match="can't be moved back"):
        restore_run(binned)


def test_a_live_run_does_not_get_into_the_bin(runs_dir):
    run = in_state(result(runs_dir), "queued")
    with pytest.raises(RunError, match="stop it before"):
        delete_run(run)
    assert list_bin(runs_dir) == [] and list_runs(runs_dir) == [run]
