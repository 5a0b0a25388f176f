"""Claims about names: a run is called by what it is until the user calls it otherwise."""

import json

import pytest

from finegates.cli import main
from finegates.data.glue import TASKS
from finegates.errors import RunError
from finegates.runs.folder import Run, create_run
from finegates.runs.names import data_name, describe, unique_names
from finegates.runs.notes import MAX_NAME_LENGTH, NOTES_FILE, read_notes, rename_run, write_notes
from tests.fake_results import DATA, in_state, result, result_on

TICKETS = DATA | {"source": "file:0123456789abcdef-tickets.csv"}


@pytest.mark.parametrize("task", TASKS)
def test_a_glue_task_is_called_as_its_folder(task):
    assert data_name(task, f"glue:{task} (local folder)") == TASKS[task].folder


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("file:0123456789abcdef-tickets.csv", "tickets"),
        ("file:tickets.v2.JSONL.gz", "tickets.v2"),
        ("file:reviews", "reviews"),
        ("file:.csv", ".csv"),
        ("file:0123456789abcdef-", "0123456789abcdef-"),
        ("sample", "sample"),
        (None, "sample"),
    ],
)
def test_data_of_a_file_is_called_by_its_name_without_digest_and_ending(source, name):
    task = "file" if source and source.startswith("file:") else "sample"
    assert data_name(task, source) == name


def test_a_run_is_called_by_what_it_is(runs_dir):
    run = result_on(TICKETS, runs_dir, 0.8294, method="finegates+lora", target_sparsity=0.4)
    assert run.row()["name"] == "tickets · finegates+lora · 40% · seed 0 · 0.829"
    dense = result(runs_dir, 0.5, method="full", seed=3)
    assert dense.row()["name"] == "sample · full · seed 3 · 0.500"
    stopped = in_state(result(runs_dir, target_sparsity=0.125), "stopped")
    assert stopped.row()["name"] == "sample · finegates · 12.5% · seed 0"


def test_a_name_of_ones_own_wins_and_can_be_taken_back(runs_dir):
    run = result(runs_dir)
    write_notes(run.path, "kept", ["tag"])
    rename_run(run.path, " The one ")
    assert run.row()["name"] == "The one"
    write_notes(run.path, "other", ["tag"])
    assert read_notes(run.path).name == "The one"
    rename_run(run.path, "")
    assert run.row()["name"] == describe(run.row()) and read_notes(run.path).notes == "other"
    assert "name" not in json.loads((run.path / NOTES_FILE).read_text())


@pytest.mark.parametrize("name", ["x" * (MAX_NAME_LENGTH + 1), "two\nlines", "a\x00b"])
def test_a_name_is_one_line(runs_dir, name):
    run = result(runs_dir)
    with pytest.raises(RunError, match="one line"):
        rename_run(run.path, name)
    assert not (run.path / NOTES_FILE).exists()


def test_a_run_may_be_named_as_it_is_made(runs_dir):
    run = create_run(result(runs_dir).spec, DATA, runs_dir, name="First")
    assert run.row()["name"] == "First"
    with pytest.raises(RunError):
        create_run(run.spec, DATA, runs_dir, name="x" * 999)
    assert len([p for p in runs_dir.iterdir() if p.is_dir()]) == 2, "nothing half made is left"


def test_damaged_notes_or_a_damaged_run_still_have_a_name(runs_dir):
    run = result(runs_dir)
    (run.path / NOTES_FILE).write_text("{cut")
    assert run.row()["name"] == describe(run.row())
    (run.path / "spec.json").write_text("{cut")
    assert Run(run.path).row()["name"] == run.id


def test_runs_of_one_name_are_told_apart_by_time_and_at_last_by_id(runs_dir):
    rows = [result(runs_dir).row() for _ in range(3)]
    rows[0]["created"], rows[1]["created"] = (
        "2026-01-01T10:00:00+00:00",
        "2026-01-02T10:00:00+00:00",
    )
    rows[2]["created"] = rows[1]["created"]
    names = unique_names([*rows, {"run": "broken-1", "name": "broken-1", "created": None}])
    assert len({*names.values()}) == 4 and names["broken-1"] == "broken-1"
    assert names[rows[0]["run"]].startswith(rows[0]["name"] + " (2026-01-01 ")
    assert names[rows[2]["run"]].endswith(f"…{rows[2]['run'][-8:]}")


def test_the_command_line_renames_and_lists_names(runs_dir, capsys):
    run = result(runs_dir, 0.8294)
    place = ["--runs-dir", str(runs_dir)]
    assert main(["runs", "rename", run.id, "The one", *place]) == 0
    assert main(["runs", "list", *place]) == 0
    line = capsys.readouterr().out
    assert run.id in line and "accuracy 0.829" in line and "The one" in line
    assert main(["runs", "rename", run.id, "x" * 999, *place]) == 2
    assert "one line" in capsys.readouterr().err
