"""The table of runs, its filter, its actions, and the trade-off chart."""

import json

from fake_runs import make_run

from finegates.runs import list_runs
from finegates.status import STOP_FILE, Status, write_status


def spec_of(app, index: int = 0) -> dict:
    return json.loads(app.get("vega_lite_chart")[index].proto.spec)


def tick(app, runs_dir, run) -> None:
    """Ticks a run in the table, as a click would, and draws the page again."""
    app.session_state["ticked_run"] = run.id
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
    tick(app, runs_dir, running)
    app.button(key=f"Stop-{running.id}").click().run()
    assert (running.path / STOP_FILE).exists() and running.status().state == "stopping"
    tick(app, runs_dir, stopped)
    app.button(key=f"Resume-{stopped.id}").click().run()
    assert stopped.status().state == "queued" and runs_dir in dispatched


def test_delete_moves_to_the_bin_after_a_second_click(visit, runs_dir):
    run = make_run(runs_dir)
    app = visit("runs")
    tick(app, runs_dir, run)
    app.button(key=f"Delete-{run.id}").click().run()
    assert not list_runs(runs_dir) and not app.exception
    assert [p.name.startswith(run.id) for p in (runs_dir / ".bin").iterdir()] == [True]


def test_a_live_run_can_not_be_deleted(visit, runs_dir):
    run = make_run(runs_dir, "running", progress=0.5)
    app = visit("runs")
    tick(app, runs_dir, run)
    assert f"Delete-{run.id}" not in [b.key for b in app.button]


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
