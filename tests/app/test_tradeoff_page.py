"""Accuracy against sparsity: a group as it fills, what is missing, and what can be done."""

import json
import shutil
from collections import Counter

from fake_runs import make_curve, make_group, make_run
from test_pages import texts

from finegates.groups import open_group
from finegates.runs import Run
from finegates.status import STOP_FILE

METHODS = ["finegates", "finegates+lora", "full"]


def chart(app) -> str:
    charts = app.get("vega_lite_chart")
    assert len(charts) == 1
    return charts[0].proto.spec


def table_of(app):
    return app.dataframe[0].value


def mixed(runs_dir, **states: str):
    """Seed 0 is done; of seed 1 the runs of each method are in these states."""
    return make_group(
        runs_dir, "mix", METHODS,
        state=lambda cell: "finished" if cell.seed == 0 else states.get(cell.method, "finished"),
    )  # fmt: skip


def test_a_finished_group_is_a_chart_and_a_table(visit, runs_dir):
    group = make_group(runs_dir, "g", METHODS)
    app = visit("tradeoff", group="g")
    assert not app.exception and not app.error
    assert json.loads(chart(app))["layer"] and '"full"' in chart(app)
    table = table_of(app)
    assert Counter(table["recipe"]) == {"finegates": 3, "finegates+lora": 3, "full": 1}
    assert table["seeds"].tolist() == [2] * 7 and "missing" not in table
    assert table["relative"].notna().all()
    assert f"**{len(group.cells)}** of {len(group.cells)}" in app.get("progress")[0].proto.text
    assert "Not there yet" not in texts(app)
    assert group.command in [code.value for code in app.code]


def test_the_newest_group_is_shown_and_all_runs_can_be(visit, runs_dir):
    make_group(runs_dir, "old", ["finegates"], seeds=(0,))
    make_group(runs_dir, "new", ["full"], seeds=(0,))
    app = visit("tradeoff")
    assert app.selectbox(key="group").value == "new"
    app.selectbox(key="group").select("all finished runs").run()
    assert not app.exception and not app.get("progress")
    assert set(table_of(app)["recipe"]) == {"finegates", "full"}


def test_runs_without_a_group_are_all_runs(visit, runs_dir):
    make_run(runs_dir)
    app = visit("tradeoff")
    assert app.selectbox(key="group").value == "all finished runs"
    assert len(table_of(app)) == 1


def test_an_unknown_group_in_the_address_is_told(visit, runs_dir):
    make_group(runs_dir, "mine", ["full"], seeds=(0,))
    app = visit("tradeoff", group="mime")
    assert "Did you mean 'mine'?" in app.error[0].value and not app.exception


def test_a_damaged_group_is_told_and_can_be_left(visit, runs_dir):
    make_run(runs_dir)
    (runs_dir / "bad.group.json").write_text("{")
    app = visit("tradeoff", group="bad")
    assert app.error and not app.exception
    app.selectbox(key="group").select("all finished runs").run()
    assert not app.error


def test_points_come_as_runs_finish(visit, runs_dir):
    group = mixed(runs_dir, finegates="running")
    app = visit("tradeoff", group="mix")
    before = table_of(app).set_index(["recipe", "target"])
    assert before.loc[("finegates", 20.0), "seeds"] == 1
    assert before.loc[("finegates", 20.0), "missing"] == "1"
    cell = next(c for c in group.cells if c.key == ("finegates", 0.2, 1))
    shutil.rmtree(runs_dir / cell.run)
    done = make_run(runs_dir, method="finegates", target_sparsity=0.2, seed=1)
    done.path.rename(runs_dir / cell.run)
    app.run()
    after = table_of(app).set_index(["recipe", "target"])
    assert after.loc[("finegates", 20.0), "seeds"] == 2


def test_what_is_missing_is_said(visit, runs_dir):
    mixed(runs_dir, finegates="failed", full=None)
    text = texts(visit("tradeoff", group="mix"))
    assert "**Not there yet:** finegates at 0%: seed 1" in text and "full: seed 1" in text


def test_states_are_counted(visit, runs_dir):
    group = mixed(runs_dir, finegates="running", full=None)
    group = make_group(
        runs_dir, "q", ["full"], seeds=(0, 1), state=lambda c: ("finished", "failed")[c.seed]
    )
    app = visit("tradeoff", group="mix")
    badges = " ".join(texts(app).split())
    assert "3 running" in badges and "1 not started" in badges
    app.selectbox(key="group").select(group.name).run()
    assert "1 failed" in texts(app)


def test_missing_and_failed_runs_are_submitted_again(visit, runs_dir, dispatched, monkeypatch):
    from finegates import sweep

    asked = []
    monkeypatch.setattr(sweep, "submit_missing", lambda group, folder: asked.append(group.name))
    mixed(runs_dir, finegates="failed", full=None)
    app = visit("tradeoff", group="mix")
    button = app.button(key="submit_missing")
    assert "4 missing" in button.label  # three failed, one never made
    button.click().run()
    assert asked == ["mix"] and not app.exception


def test_a_group_that_is_done_has_nothing_to_submit_or_stop(visit, runs_dir):
    make_group(runs_dir, "g", ["full"], seeds=(0,))
    keys = [b.key for b in visit("tradeoff", group="g").button]
    assert "submit_missing" not in keys and "stop_all" not in keys


def test_stop_all_stops_the_queue_and_asks_the_running(visit, runs_dir):
    group = make_group(
        runs_dir, "g", ["finegates"], (0.0, 0.2, 0.4), (0,),
        state=lambda c: {0.0: "finished", 0.2: "running", 0.4: "queued"}[c.target],
    )  # fmt: skip
    other = make_run(runs_dir, "running", progress=0.5)
    app = visit("tradeoff", group="g")
    app.button(key="stop_all").click().run()
    runs = {c.target: Run(runs_dir / c.run) for c in open_group(runs_dir, group.name).cells}
    assert runs[0.4].status().state == "stopped" and runs[0.2].status().state == "stopping"
    assert runs[0.0].status().state == "finished"
    assert not (other.path / STOP_FILE).exists() and not app.exception


def test_the_cheap_curve_can_be_hidden(visit, runs_dir):
    group = make_group(runs_dir, "g", ["finegates", "full"], seeds=(0,))
    app = visit("tradeoff", group="g")
    assert not [t for t in app.toggle if t.key == "cheap"]
    cell = next(c for c in group.cells if c.key == ("finegates", 0.4, 0))
    make_curve(Run(runs_dir / cell.run))
    app.run()
    assert "cheap curve" in chart(app)
    assert "rounded from 40%" in table_of(app)["kind"].tolist()
    app.toggle(key="cheap").set_value(False).run()
    assert "cheap curve" not in chart(app)
    assert "rounded from 40%" in table_of(app)["kind"].tolist()


def test_a_deep_link_chooses_group_task_and_axis(visit, runs_dir):
    make_group(runs_dir, "g", ["finegates"], seeds=(0,))
    make_group(runs_dir, "h", ["finegates"], seeds=(0,), task="sst2")
    app = visit("tradeoff", group="g", axis="closed")
    assert '"Gates closed"' in chart(app)
    assert app.selectbox(key="group").value == "g"
    assert app.selectbox(key="task").value == "sample, accuracy"


def test_a_group_without_any_finished_run_waits(visit, runs_dir):
    make_group(runs_dir, "g", ["finegates"], seeds=(0,), state=lambda c: "queued")
    app = visit("tradeoff", group="g")
    assert "first point comes with the first finished run" in app.info[0].value
    assert not app.exception and not app.get("vega_lite_chart")


def test_the_download_is_the_command_lines_own_table(visit, runs_dir):
    from finegates.aggregate import group_points
    from finegates.tables import as_csv

    group = make_group(runs_dir, "g", METHODS)
    app = visit("tradeoff", group="g")
    (download,) = app.get("download_button")
    assert download.label == "Download CSV"
    assert as_csv(group_points(group, runs_dir)).startswith("task,metric,model,method")


def test_a_group_whose_runs_were_deleted_is_no_error(visit, runs_dir):
    group = make_group(runs_dir, "g", ["finegates"], seeds=(0,))
    for name in group.runs:
        shutil.rmtree(runs_dir / name)
    app = visit("tradeoff", group="g")
    assert not app.exception and "3 not started" in texts(app)


def test_a_running_group_wakes_the_queue(visit, runs_dir, dispatched):
    make_group(runs_dir, "g", ["full"], seeds=(0,), state=lambda c: "queued")
    visit("tradeoff", group="g")
    assert dispatched == [runs_dir]
