"""Accuracy against sparsity: a group as it fills, what is missing, and what can be done."""

import json
import shutil
from collections import Counter

import pytest

from app.charts.axes import KIND_NAMES
from finegates.groups.store import open_group
from finegates.results.points import ROUNDED, THRESHOLDS
from finegates.runs.folder import Run
from finegates.runs.measurements import keep_points, keep_timing
from finegates.runs.status import STOP_FILE
from tests.app.components import codes
from tests.app.fake_runs import make_curve, make_group, make_run
from tests.app.test_pages import texts

METHODS = ["finegates", "finegates+lora", "full"]
POINT = {"remove": None, "score": 0.8, "closed_gates_fraction": 0.2, "mac_ratio": 2.0}
TIMING = {
    "threshold": None, "batch_size": 8, "seq_len": 128, "dtype": "float32", "device": "cpu",
    "threads": 2, "hardware": "a cpu", "dense_s": 0.2, "masked_s": 0.21, "shrunk_s": 0.1,
    "speedup": 2.0, "mac_ratio": 2.2,
}  # fmt: skip


def charts(app) -> list[str]:
    return [chart.proto.spec for chart in app.get("vega_lite_chart")]


def chart(app) -> str:
    (only,) = charts(app)
    return only


def x_title(app) -> str:
    (title,) = {
        layer["encoding"]["x"]["axis"]["title"]
        for layer in json.loads(chart(app))["layer"]
        if "axis" in layer.get("encoding", {}).get("x", {})
    }
    return title


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
    assert group.command in codes(app)


def test_the_group_at_work_or_else_the_largest_is_shown_and_all_runs_can_be(visit, runs_dir):
    make_group(runs_dir, "at-work", ["lora"], seeds=(0,), state=lambda cell: "running")
    assert visit("tradeoff").multiselect(key="group").value == ["at-work"]
    shutil.rmtree(runs_dir)
    make_group(runs_dir, "large", ["finegates"], seeds=(0,))
    make_group(runs_dir, "new", ["full"], seeds=(0,))
    app = visit("tradeoff")
    assert app.multiselect(key="group").value == ["large"]
    app.multiselect(key="group").set_value([]).run()
    assert app.multiselect(key="group").value == ["all finished runs"]  # the address keeps it
    assert not app.exception and not app.get("progress")
    assert set(table_of(app)["recipe"]) == {"finegates", "full"}


def test_a_group_and_all_runs_are_not_chosen_together(visit, runs_dir):
    make_group(runs_dir, "mine", ["full"], seeds=(0,))
    make_run(runs_dir)
    app = visit("tradeoff", group="mine")
    app.multiselect(key="group").set_value(["mine", "all finished runs"]).run()
    assert app.multiselect(key="group").value == ["all finished runs"]
    assert set(table_of(app)["recipe"]) == {"finegates", "full"}
    app.multiselect(key="group").set_value(["all finished runs", "mine"]).run()
    assert app.multiselect(key="group").value == ["mine"]
    assert set(table_of(app)["recipe"]) == {"full"}


def test_runs_without_a_group_are_all_runs(visit, runs_dir):
    make_run(runs_dir)
    app = visit("tradeoff")
    assert app.multiselect(key="group").value == ["all finished runs"]
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
    app.multiselect(key="group").set_value(["all finished runs"]).run()
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
    app.multiselect(key="group").set_value([group.name]).run()
    assert "1 failed" in texts(app)


def test_missing_and_failed_runs_are_submitted_again(visit, runs_dir, dispatched, monkeypatch):
    from finegates.groups import sweep

    asked = []
    monkeypatch.setattr(sweep, "submit_missing", lambda group, folder: asked.append(group.name))
    mixed(runs_dir, finegates="failed", full=None)
    app = visit("tradeoff", group="mix")
    button = app.button(key="submit_missing_mix")
    assert "4 missing" in button.label  # three failed, one never made
    button.click().run()
    assert asked == ["mix"] and not app.exception


def test_a_group_that_is_done_has_nothing_to_submit_or_stop(visit, runs_dir):
    make_group(runs_dir, "g", ["full"], seeds=(0,))
    keys = [b.key for b in visit("tradeoff", group="g").button]
    assert not [key for key in keys if key.startswith(("submit_missing", "stop_all"))]


def test_stop_all_stops_the_queue_and_asks_the_running(visit, runs_dir):
    group = make_group(
        runs_dir, "g", ["finegates"], (0.0, 0.2, 0.4), (0,),
        state=lambda c: {0.0: "finished", 0.2: "running", 0.4: "queued"}[c.target],
    )  # fmt: skip
    other = make_run(runs_dir, "running", progress=0.5)
    app = visit("tradeoff", group="g")
    app.button(key="stop_all_g").click().run()
    runs = {c.target: Run(runs_dir / c.run) for c in open_group(runs_dir, group.name).cells}
    assert runs[0.4].status().state == "stopped" and runs[0.2].status().state == "stopping"
    assert runs[0.0].status().state == "finished"
    assert not (other.path / STOP_FILE).exists() and not app.exception


def test_one_control_chooses_the_curves(visit, runs_dir):
    group = make_group(runs_dir, "g", ["finegates", "full"], seeds=(0,))
    cell = next(c for c in group.cells if c.key == ("finegates", 0.4, 0))
    run = Run(runs_dir / cell.run)
    make_curve(run)
    keep_points(run, [{**POINT, "threshold": 0.25, "removed_weights_fraction": 0.5}])
    app = visit("tradeoff", group="g")
    assert KIND_NAMES[ROUNDED] in chart(app) and KIND_NAMES[THRESHOLDS] not in chart(app)
    assert "rounded from 40%" in table_of(app)["kind"].tolist()
    app.segmented_control(key="curves").set_value(["one run, thresholds"]).run()
    assert KIND_NAMES[ROUNDED] not in chart(app) and KIND_NAMES[THRESHOLDS] in chart(app)
    assert table_of(app)["kind"].tolist() == ["cut from 40%", "dense"]
    assert table_of(app)["threshold"].dropna().tolist() == [0.25]


def test_several_groups_are_laid_over_one_another(visit, runs_dir):
    make_group(runs_dir, "g", ["finegates"], seeds=(0,))
    make_group(runs_dir, "h", ["magnitude"], seeds=(0,))
    app = visit("tradeoff", group=["g", "h"])
    assert app.multiselect(key="group").value == ["g", "h"]
    assert set(table_of(app)["recipe"]) == {"finegates", "magnitude"}
    assert '"finegates"' in chart(app) and '"magnitude"' in chart(app)
    progress = [p.proto.text for p in app.get("progress")]
    assert len(progress) == 2 and progress[0].startswith("h: **3** of 3")
    assert not app.exception


def test_groups_that_differ_in_a_setting_are_never_averaged(visit, runs_dir):
    make_group(runs_dir, "g", ["finegates"], seeds=(0,))
    make_group(runs_dir, "h", ["finegates"], seeds=(1,), epochs=7)
    app = visit("tradeoff", group="g")
    app.multiselect(key="group").set_value(["g", "h"]).run()
    table = table_of(app)
    assert table["seeds"].tolist() == [1] * 6
    assert table["variant"].notna().sum() == 3 and "epochs=7" in chart(app)


def test_several_tasks_are_a_panel_each(visit, runs_dir):
    make_group(runs_dir, "g", ["finegates"], seeds=(0,))
    make_group(runs_dir, "h", ["finegates"], seeds=(0,), task="sst2")
    app = visit("tradeoff", group="g")
    app.multiselect(key="group").set_value(["g", "h"]).run()
    assert len(charts(app)) == 2
    assert "**sample, accuracy**" in texts(app) and "**SST-2, accuracy**" in texts(app)
    assert set(table_of(app)["task"]) == {"sample", "SST-2"}
    app.multiselect(key="tasks").set_value(["SST-2, accuracy"]).run()
    assert len(charts(app)) == 1 and "task" not in table_of(app)


def test_recipes_are_filtered_in_chart_and_table(visit, runs_dir):
    make_group(runs_dir, "g", METHODS)
    app = visit("tradeoff", group="g")
    app.multiselect(key="methods").set_value(["finegates+lora"]).run()
    assert set(table_of(app)["recipe"]) == {"finegates+lora"}
    assert '"full"' not in chart(app)
    app.multiselect(key="methods").set_value(["full"]).run()
    assert set(table_of(app)["recipe"]) == {"full"} and not app.exception


def test_the_front_and_the_paper_are_off_until_asked_for(visit, runs_dir):
    make_group(runs_dir, "g", ["finegates"], seeds=(0,), task="sst2")
    app = visit("tradeoff", group="g")
    before = len(json.loads(chart(app))["layer"])
    assert "Pareto" not in texts(app) and "2412.12951" not in texts(app)
    app.toggle(key="front").set_value(True).run()
    assert len(json.loads(chart(app))["layer"]) == before + 2 and "Pareto front" in texts(app)
    app.toggle(key="quoted").set_value(True).run()
    assert len(json.loads(chart(app))["layer"]) == before + 4
    assert "RoBERTa-large (squares) as printed in arXiv 2412.12951" in texts(app)


def test_a_measured_axis_says_how_many_runs_lack_it(visit, runs_dir):
    group = make_group(runs_dir, "g", ["finegates", "full"], seeds=(0,))
    app = visit("tradeoff", group="g")
    assert x_title(app) == "Weights removed"
    app.segmented_control(key="axis").set_value("time").run()
    assert "3 of 3 runs are left out" in texts(app)
    cell = next(c for c in group.cells if c.key == ("finegates", 0.4, 0))
    run = Run(runs_dir / cell.run)
    own = run.status().removed_weights_fraction
    keep_timing(run, {**TIMING, "remove": 0.4, "removed_weights_fraction": own})
    app.run()
    assert "2 of 3 runs are left out" in texts(app)
    assert "Timed on a cpu (cpu), 8 x 128 tokens, float32." in texts(app)
    assert x_title(app) == "Time saved" and not app.exception


@pytest.mark.parametrize("file", ["curve.json", "timings.json"])
def test_a_damaged_measurement_leaves_the_runs_own_point(visit, runs_dir, file):
    group = make_group(runs_dir, "g", ["finegates"], seeds=(0,))
    (runs_dir / group.cells[0].run / file).write_text("{")
    app = visit("tradeoff", group="g")
    assert not app.exception and len(table_of(app)) == 3


def test_a_click_on_a_point_opens_its_run(visit, runs_dir, monkeypatch):
    import streamlit as st

    from app.tradeoff import chart as tradeoff_parts

    make_group(runs_dir, "g", ["finegates"], seeds=(0,))
    (drawn,) = visit("tradeoff", group="g").get("vega_lite_chart")
    assert list(drawn.proto.selection_mode) == ["opened"]
    state = {"tradeoff_0": {"selection": {"opened": [{"run": "this-run"}]}}}
    monkeypatch.setattr(st, "session_state", state)
    tradeoff_parts.open_selected("tradeoff_0")
    assert state["opening"] == ("live/page.py", {"run": "this-run"})


def test_a_click_beside_the_points_opens_nothing(monkeypatch):
    import streamlit as st

    from app.tradeoff import chart as tradeoff_parts

    state = {"tradeoff_0": {"selection": {"opened": []}}}
    monkeypatch.setattr(st, "session_state", state)
    tradeoff_parts.open_selected("tradeoff_0")
    assert "opening" not in state


def test_a_deep_link_chooses_group_and_task(visit, runs_dir):
    make_group(runs_dir, "g", ["finegates"], seeds=(0,))
    make_group(runs_dir, "h", ["finegates"], seeds=(0,), task="sst2")
    app = visit("tradeoff", group="all finished runs", tasks="sample, accuracy")
    assert len(charts(app)) == 1
    assert app.multiselect(key="group").value == ["all finished runs"]
    assert app.multiselect(key="tasks").value == ["sample, accuracy"]


def test_a_group_without_any_finished_run_waits(visit, runs_dir):
    make_group(runs_dir, "g", ["finegates"], seeds=(0,), state=lambda c: "queued")
    app = visit("tradeoff", group="g")
    assert "first point comes with the first finished run" in app.info[0].value
    assert not app.exception and not app.get("vega_lite_chart")


def test_the_download_is_the_command_lines_own_table(visit, runs_dir):
    from finegates.results.aggregate import group_points
    from finegates.results.tables import as_csv

    group = make_group(runs_dir, "g", METHODS)
    app = visit("tradeoff", group="g")
    labels = [button.label for button in app.get("download_button")]
    assert labels == ["SVG", "Vega-Lite", "Download CSV", "Report"]
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


def test_runs_at_work_are_rings_that_move_and_links_to_their_live_page(visit, runs_dir):
    group = mixed(runs_dir, finegates="running")
    run = Run(runs_dir / next(c.run for c in group.cells if c.method == "finegates" and c.seed))
    app = visit("tradeoff", group="mix")
    assert not app.exception
    marks = [layer["mark"] for layer in json.loads(chart(app))["layer"] if "mark" in layer]
    (ring,) = [mark for mark in marks if mark["type"] == "point" and "strokeDash" in mark]
    assert not ring["filled"] and "A dashed ring is a run at work" in texts(app)
    links = {link.proto.label for link in app.get("page_link")}
    assert run.row()["name"] in links


def test_the_first_run_of_a_group_has_a_point_before_it_has_finished(visit, runs_dir):
    cell = {"targets": (0.4,), "seeds": (0,)}
    make_group(runs_dir, "new", ["finegates"], **cell, state=lambda cell: "running")
    app = visit("tradeoff", group="new")
    assert not app.exception and "strokeDash" in chart(app)
