"""The table of runs, its filter, its actions, and the trade-off chart."""

import csv
import io
import json
from contextlib import contextmanager
from dataclasses import replace

import pytest

from app.reading.runs import run_rows
from app.runs import notes as notes_table
from app.runs import run_files as run_exports
from app.runs import selection_actions as ticked_actions
from finegates.files import spreadsheet
from finegates.groups.store import list_groups
from finegates.runs.bin import delete_run, list_bin
from finegates.runs.folder import Run, list_runs
from finegates.runs.notes import NOTES_FILE, RunNotes, read_notes, write_notes
from finegates.runs.status import STOP_FILE, Status, write_status
from tests.app.components import codes
from tests.app.fake_runs import make_run
from tests.app.test_pages import texts


def spec_of(app, index: int = 0) -> dict:
    return json.loads(app.get("vega_lite_chart")[index].proto.spec)


def tick(app, *runs) -> None:
    """Ticks runs in the table, as clicks would, and draws the page again."""
    app.session_state["ticked_runs"] = [run.id for run in runs]
    app.run()


def test_runs_stand_newest_first_with_their_numbers(visit, runs_dir):
    old = make_run(runs_dir, target_sparsity=0.5)
    record = json.loads((old.path / "spec.json").read_text())
    (old.path / "spec.json").write_text(
        json.dumps(record | {"created": "2020-01-01T00:00:00+00:00"})
    )
    new = make_run(runs_dir, seed=3)
    table = visit("runs").dataframe[0].value
    assert list(table["run"]) == [new.id, old.id]
    row = table.iloc[1]
    assert row["target"] == 50 and abs(row["removed"] - 50) < 2 and row["closed"] < 40
    assert row["score"].endswith("accuracy") and row["progress"] == 100


def test_the_filter_takes_every_word(visit, runs_dir):
    make_run(runs_dir, method="finegates")
    lora = make_run(runs_dir, method="finegates+lora")
    app = visit("runs")
    app.text_input(key="filter").set_value("LORA finished").run()
    assert list(app.dataframe[0].value["run"]) == [lora.id]
    app.text_input(key="filter").set_value("nothing like it").run()
    assert "No run matches" in app.info[0].value and not app.exception


def test_a_deep_link_filters_and_chooses_the_axis(visit, runs_dir):
    make_run(runs_dir)
    app = visit("runs", filter="hinge", axis="closed")
    assert "No run matches" in app.info[0].value
    assert '"Gates closed"' in app.get("vega_lite_chart")[0].proto.spec


def test_the_curve_grows_with_each_finished_run(visit, runs_dir):
    make_run(runs_dir, "running", progress=0.5)
    app = visit("runs")
    assert "starts with the first finished run" in "".join(c.value for c in app.caption)
    make_run(runs_dir)
    app.run()
    assert len(app.get("vega_lite_chart")) == 1


def test_stop_asks_and_resume_queues(visit, runs_dir, dispatched):
    running, stopped = (
        make_run(runs_dir, "running", progress=0.5),
        make_run(runs_dir, "stopped", progress=0.5),
    )
    app = visit("runs")
    tick(app, running)
    app.button(key=f"Stop-{running.id}").click().run()
    assert (running.path / STOP_FILE).exists() and running.status().state == "stopping"
    tick(app, stopped)
    app.button(key=f"Resume-{stopped.id}").click().run()
    assert stopped.status().state == "queued" and runs_dir in dispatched


def test_delete_moves_to_the_bin_after_a_second_click_and_restore_brings_it_back(visit, runs_dir):
    runs = [make_run(runs_dir, seed=seed) for seed in (0, 1, 2)]
    app = visit("runs")
    tick(app, *runs[:2])
    app.button(key="delete").click().run()
    assert list_runs(runs_dir) == runs[2:] and not app.exception
    assert {b.id for b in list_bin(runs_dir)} == {run.id for run in runs[:2]}
    assert "2 deleted runs lie" in texts(app)
    box = app.multiselect(key="to_restore")
    (wanted,) = [option for option in box.options if option.endswith(runs[0].id)]
    box.set_value([wanted]).run()
    app.button(key="restore").click().run()
    assert {run.id for run in list_runs(runs_dir)} == {runs[0].id, runs[2].id}
    assert "1 deleted run lies" in texts(app) and not app.exception


def test_an_emptied_folder_still_offers_its_bin(visit, runs_dir):
    delete_run(make_run(runs_dir))
    app = visit("runs")
    assert "No runs yet" in texts(app) and len(app.multiselect(key="to_restore").options) == 1


def test_a_live_run_can_not_be_deleted_and_is_named(visit, runs_dir):
    live, over = make_run(runs_dir, "running", progress=0.5), make_run(runs_dir)
    app = visit("runs")
    tick(app, live)
    assert app.button(key="delete").disabled
    assert f"(`{live.id}`) is running" in texts(app)
    tick(app, live, over)
    app.button(key="delete").click().run()
    assert list_runs(runs_dir) == [live]


def test_a_run_that_came_to_life_meanwhile_is_refused_with_words(visit, runs_dir, monkeypatch):
    run = make_run(runs_dir, "stopped", progress=0.5)
    app = visit("runs")
    tick(app, run)
    resumed = replace(run.status(), state="queued")
    monkeypatch.setattr(ticked_actions, "delete_run", lambda r: (write_status(r.path, resumed),
                                                                 delete_run(r)))  # fmt: skip
    app.button(key="delete").click().run()
    assert "is queued; stop it before" in app.error[0].value and list_runs(runs_dir) == [run]


def test_filters_columns_and_order_come_from_the_address(visit, runs_dir):
    low, high = make_run(runs_dir, score=0.7), make_run(runs_dir, score=0.9, method="full")
    make_run(runs_dir, "failed", progress=0.5, reason="The disk is full.")
    write_notes(low.path, "", ["keep"])
    write_notes(high.path, "", ["keep", "best"])
    given = {"in_state": "finished", "sort": "Score", "descending": "false"}
    app = visit("runs", **given, columns=["Seed", "Score"])
    table = app.dataframe[0].value
    assert list(table.columns) == ["open", "score", "seed"]
    assert [score[:3] for score in table["score"]] == ["0.6", "0.8"]
    assert "2 of 3 runs" in texts(app)
    assert list(visit("runs", in_tag="best").dataframe[0].value["run"]) == [high.id]
    both = visit("runs", in_recipe=["full", "finegates"], in_tag="keep", in_task="sample")
    assert set(both.dataframe[0].value["run"]) == {low.id, high.id}
    assert not visit("runs", in_state="dancing", sort="Nothing", columns="None").exception


def test_boxes_filter_and_sort(visit, runs_dir):
    runs = [make_run(runs_dir, seed=seed) for seed in (2, 0, 1)]
    make_run(runs_dir, "stopped", progress=0.5, seed=9)
    app = visit("runs")
    app.multiselect(key="in_state").set_value(["finished"]).run()
    app.selectbox(key="sort").set_value("Seed").run()
    assert list(app.dataframe[0].value["seed"]) == [2, 1, 0]
    app.toggle(key="descending").set_value(False).run()
    assert list(app.dataframe[0].value["run"]) == [runs[1].id, runs[2].id, runs[0].id]


def test_runs_without_a_value_stand_last_in_both_orders(visit, runs_dir):
    scored = make_run(runs_dir, score=0.7)
    make_run(runs_dir, "queued")
    for descending in ("true", "false"):
        table = visit("runs", sort="Score", descending=descending).dataframe[0].value
        assert table["run"][0] == scored.id


def test_notes_and_tags_are_shown_searched_and_tagged_in_bulk(visit, runs_dir):
    first, second, third = (make_run(runs_dir, seed=seed) for seed in (0, 1, 2))
    write_notes(first.path, "warm-up too short", ["old"])
    app = visit("runs", filter="WARM-UP old")
    assert list(app.dataframe[0].value["notes"]) == ["warm-up too short"]
    app = visit("runs")
    tick(app, first, second)
    app.multiselect(key="add_tags_0").set_value(["paper", "seeds"])
    app.multiselect(key="remove_tags_0").set_value(["old"]).run()
    app.button(key="save_tags").click().run()
    assert read_notes(first.path) == RunNotes("warm-up too short", ("paper", "seeds"))
    assert read_notes(second.path).tags == ("paper", "seeds")
    assert read_notes(third.path) == RunNotes()
    assert app.session_state["ticked_runs"] == []


def test_cells_of_notes_and_tags_are_saved_as_they_are_left(visit, runs_dir):
    make_run(runs_dir, seed=0)
    run = make_run(runs_dir, seed=1)
    spec = (run.path / "spec.json").read_bytes()
    app = visit("runs")
    app.toggle(key="edit_notes").set_value(True).run()
    assert list(app.dataframe[0].value.columns)[-3:] == ["tags", "notes", "run"]
    shown = run_rows(runs_dir)
    place = [row["run"] for row in shown].index(run.id)
    state = {"edited_rows": {place: {"notes": "good", "tags": ["a", "b"]}}}
    with patched_state(notes_table, {"key": state}):
        notes_table._save("key", shown, runs_dir)
    assert read_notes(run.path) == RunNotes("good", ("a", "b"))
    assert (run.path / "spec.json").read_bytes() == spec
    app.run()
    assert list(app.dataframe[0].value["notes"])[place] == "good" and not app.exception


@contextmanager
def patched_state(module, state):
    """The page's session as the browser would have filled it: AppTest can't edit cells."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module.st, "session_state", state)
        yield


def test_damaged_notes_are_shown_and_not_overwritten(visit, runs_dir):
    run = make_run(runs_dir)
    (run.path / NOTES_FILE).write_text("{cut")
    app = visit("runs")
    assert "notes.json can't be read" in app.dataframe[0].value["notes"][0]
    tick(app, run)
    app.multiselect(key="add_tags_0").set_value(["x"]).run()
    app.button(key="save_tags").click().run()
    assert "can't be read" in app.error[0].value and not app.exception
    assert (run.path / NOTES_FILE).read_text() == "{cut"


def test_picked_runs_become_a_group_or_are_told_why_not(visit, runs_dir):
    runs = [make_run(runs_dir, seed=seed) for seed in (0, 1)]
    other = make_run(runs_dir, seed=2, epochs=9)
    app = visit("runs")
    tick(app, *runs, other)
    app.text_input(key="group_name_0").set_value("mine").run()
    app.button(key="make_group").click().run()
    assert "differ in epochs too" in app.error[0].value and not list_groups(runs_dir)
    tick(app, *runs)
    app.button(key="make_group").click().run()
    assert set(list_groups(runs_dir)[0].runs) == {run.id for run in runs}
    assert app.title[0].value.startswith("Accuracy vs sparsity") and not app.exception


def test_ticks_outlive_filters_and_deleted_runs(visit, runs_dir):
    full, gone = make_run(runs_dir, method="full"), make_run(runs_dir)
    app = visit("runs", in_recipe="finegates")
    tick(app, full, gone)
    assert "2 runs** ticked, 1 hidden by the filter" in texts(app)
    delete_run(gone)
    app.run()
    assert f"`{full.id}`" in texts(app) and not app.exception


@pytest.mark.parametrize(
    "settings",
    [
        {"method": "finegates+lora", "target_sparsity": 0.35, "seed": 4, "lora_rank": 4},
        {"method": "full", "epochs": 2, "learning_rate": 1e-5, "max_train_samples": 300},
        {"gate_law": "hard-concrete", "penalty": "hinge", "target_modules": ("q", "v")},
    ],
)
def test_a_duplicate_is_new_run_filled_with_the_same_settings(visit, runs_dir, settings):
    run = make_run(runs_dir, **settings)
    app = visit("runs")
    tick(app, run)
    app.button(key="duplicate").click().run()
    assert app.title[0].value == "New run" and not app.exception
    assert codes(app)[0] == run.record["command"]
    assert list_runs(runs_dir) == [run]


def test_a_duplicate_of_what_is_not_here_says_what_to_choose(visit, runs_dir):
    run = make_run(runs_dir, task="sst2", glue_dir="/nowhere", model="some/model", device="cuda:7")
    app = visit("runs")
    tick(app, run)
    app.button(key="duplicate").click().run()
    assert not app.exception and "/nowhere" in "".join(e.value for e in app.error)
    assert app.selectbox(key="new_glue_task").value == "sst2"
    assert app.text_input(key="new_hub_id").value == "some/model"
    assert app.selectbox(key="new_device").value == "auto"


def test_the_command_of_a_ticked_run_can_be_copied(visit, runs_dir):
    run = make_run(runs_dir, epochs=2)
    app = visit("runs")
    tick(app, run)
    assert run.record["command"] in codes(app)


def test_exports_keep_numbers_and_disarm_formulas(visit, runs_dir):
    run = make_run(runs_dir, score=0.75)
    write_notes(run.path, '=HYPERLINK("http://x")', ["@a", "b"])
    rows = [{**row, "score": -0.5} for row in run_rows(runs_dir)]
    (line,) = csv.DictReader(io.StringIO(run_exports.runs_csv(rows)))
    assert line["notes"] == '\'=HYPERLINK("http://x")' and line["tags"] == "'@a;b"
    assert line["score"] == "-0.5" and line["run"] == run.id and line["seed"] == "0"
    (back,) = json.loads(run_exports.runs_json(rows))
    assert back["notes"].startswith("=HYPER") and back["tags"] == ["@a", "b"]
    assert back["score"] == -0.5
    for start in "=+-@\t\r":
        assert spreadsheet.csv_text(["x"], [[start + "1"]]).splitlines()[1].strip('"')[0] == "'"


def test_only_what_changed_is_read_again(runs_dir, monkeypatch):
    runs = [make_run(runs_dir, seed=seed) for seed in range(4)]
    live = make_run(runs_dir, "running", progress=0.5)
    run_rows(runs_dir)
    read = []
    row = Run.row
    monkeypatch.setattr(Run, "row", lambda self: (read.append(self.id), row(self))[1])
    run_rows(runs_dir)
    assert read == [live.id]
    write_notes(runs[0].path, "new", [])
    write_status(runs[1].path, replace(runs[1].status(), score=0.1))
    (runs[2].path / "spec.json").write_text("{cut")
    (runs[3].path / "exit.json").write_text("{}")
    added = make_run(runs_dir)
    read.clear()
    rows = {row["run"]: row for row in run_rows(runs_dir)}
    assert set(read) == {live.id, added.id, *(run.id for run in runs)}
    assert rows[runs[0].id]["notes"] == "new" and rows[runs[1].id]["score"] == 0.1
    assert rows[runs[2].id]["status"] == "broken"
    rows[runs[0].id]["tags"] = "spoiled by a caller"
    assert {row["run"]: row for row in run_rows(runs_dir)}[runs[0].id]["tags"] == []


def test_a_queue_without_a_dispatcher_is_woken(visit, runs_dir, dispatched):
    make_run(runs_dir, "queued")
    visit("runs")
    assert dispatched == [runs_dir]


def test_a_dead_worker_shows_as_failed_though_its_file_says_running(visit, runs_dir):
    run = make_run(runs_dir, "running", progress=0.5)
    app = visit("runs")
    assert list(app.dataframe[0].value["state"]) == [["running"]]
    gone = Status(**{**vars(run.status()), "pid": 2**22 - 1, "state": "running"})
    write_status(run.path, gone)
    app.run()
    table = app.dataframe[0].value
    assert list(table["state"]) == [["failed"]] and "was killed" in table["reason"][0]
