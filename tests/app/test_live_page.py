"""A run as it trains: numbers, charts, buttons, and the moment when it ends."""

import json
import os
import time
from dataclasses import replace

import pandas as pd
import pytest

from app.charts import compare
from app.charts.zoom import ZOOM
from finegates.runs.bin import delete_run
from finegates.runs.folder import LOG_FILE
from finegates.runs.status import PAUSE_FILE, STOP_FILE, write_status
from tests.app.components import codes
from tests.app.fake_runs import TINY, grow, make_run
from tests.app.test_pages import texts

CHARTS = ("loss", "score", "sparsity", "closing", "removed", "spread", "ridge")


def metric(app, label: str):
    return next(m for m in app.metric if m.label == label)


def test_target_closed_and_removed_are_three_numbers(visit, runs_dir):
    run = make_run(runs_dir, target_sparsity=0.5)
    app = visit("live", run=run.id)
    status = run.status()
    assert metric(app, "Target").value == "50.0 %"
    assert metric(app, "Weights removed").value == f"{status.removed_weights_fraction:.1%}".replace(
        "%", " %"
    )
    assert metric(app, "Gates closed").value == f"{status.closed_gates_fraction:.1%}".replace(
        "%", " %"
    )
    assert metric(app, "Accuracy").value == f"{status.score:.3f}"


def test_all_charts_are_there(visit, runs_dir):
    app = visit("live", run=make_run(runs_dir).id)
    assert len(app.get("vega_lite_chart")) == len(CHARTS)


def test_a_growing_run_moves_on_at_the_next_tick(visit, runs_dir):
    run = make_run(runs_dir, "running", progress=0.5, total_steps=190)
    app = visit("live", run=run.id, view="bars")
    assert "Latest step: **95**" in texts(app)
    grow(run, TINY, 190, start=95, end=150)
    app.run()
    assert "Latest step: **150**" in texts(app)


def test_frozen_charts_stand_still_and_can_be_looked_back(visit, runs_dir):
    run = make_run(runs_dir, "running", progress=0.5)
    app = visit("live", run=run.id, view="bars", updates="false")
    before = app.select_slider(key="at").value
    grow(run, TINY, 190, start=95, end=150)
    app.run()
    assert app.select_slider(key="at").value == before == 95
    app.select_slider(key="at").set_value(1).run()
    assert not app.exception


def test_matrices_can_be_chosen_by_role(visit, runs_dir):
    app = visit("live", run=make_run(runs_dir).id, view="bars", matrices="v")
    assert app.selectbox(key="matrices").value == "v" and not app.exception


def test_pause_continue_and_stop(visit, runs_dir):
    run = make_run(runs_dir, "running", progress=0.5)
    app = visit("live", run=run.id)
    app.button(key=f"Pause-{run.id}").click().run()
    assert (run.path / PAUSE_FILE).exists()
    write_status(run.path, replace(run.status(), state="paused"))
    app.run()
    app.button(key=f"Continue-{run.id}").click().run()
    assert not (run.path / PAUSE_FILE).exists()
    app.button(key=f"Stop-{run.id}").click().run()
    assert (run.path / STOP_FILE).exists()
    assert f"Stop by force-{run.id}" not in [b.key for b in app.button]


def test_a_stop_that_takes_long_can_be_forced(visit, runs_dir):
    run = make_run(runs_dir, "stopping", progress=0.5)
    past = time.time() - 20
    os.utime(run.path / STOP_FILE, (past, past))
    app = visit("live", run=run.id)
    assert f"Stop by force-{run.id}" in [b.key for b in app.button]


def test_a_failed_run_tells_why_and_can_be_resumed(visit, runs_dir, dispatched):
    run = make_run(runs_dir, "failed", progress=0.5, reason="The disk is full.")
    (run.path / LOG_FILE).write_text("<b>OSError</b>: no space left\n")
    app = visit("live", run=run.id)
    assert "The disk is full." in app.error[0].value
    assert "<b>OSError</b>" in codes(app)[0]
    app.button(key=f"Resume-{run.id}").click().run()
    assert run.status().state == "queued" and dispatched[0] == runs_dir


def test_the_page_settles_when_the_run_ends(visit, runs_dir):
    run = make_run(runs_dir, "running", progress=0.5)
    app = visit("live", run=run.id)
    write_status(run.path, replace(run.status(), state="stopped", reason="Stopped by you."))
    app.run()
    assert not app.exception
    assert f"Resume-{run.id}" in [b.key for b in app.button]


def chosen_in(app) -> list[str]:
    return app.multiselect(key="runs").value


def chart(app, name: str):
    (found,) = [c for c in app.get("vega_lite_chart") if c.proto.alt.startswith(name)]
    return json.loads(found.proto.spec)


def test_runs_at_work_are_watched_by_themselves_else_the_newest(visit, runs_dir):
    make_run(runs_dir)
    newest = make_run(runs_dir)
    assert chosen_in(visit("live")) == [newest.id]
    live = [make_run(runs_dir, "running", progress=0.5, seed=seed).id for seed in (0, 1)]
    make_run(runs_dir)
    assert chosen_in(visit("live")) == live[::-1]


def test_several_runs_have_one_colour_each_and_a_line_of_numbers(visit, runs_dir):
    old = make_run(runs_dir)
    runs = [
        make_run(runs_dir, "running", progress=0.5, target_sparsity=0.4),
        make_run(runs_dir, "paused", progress=0.3, method="full"),
    ]
    app = visit("live", runs=[run.id for run in runs])
    assert not app.exception and not app.error
    names = ["finegates · 40% · seed 0", "full · seed 0"]
    assert chart(app, "Task loss")["layer"][0]["encoding"]["color"]["scale"] == {
        "domain": names, "range": list(compare.COLORS[1:3]),
    }  # fmt: skip
    assert (
        chart(app, "Removed weights against")["layer"][0]["encoding"]["color"]["scale"]["domain"]
        == (names[:1])
    )
    table = app.dataframe[0].value.set_index("name")
    status = runs[0].status()
    assert list(table.index) == names and table.loc[names[0], "state"] == ["running"]
    assert table.loc[names[0], "step"] == "95 of 190" and table.loc[names[0], "target"] == 40
    assert table.loc[names[0], "removed"] == pytest.approx(
        100 * status.removed_weights_fraction, abs=0.01
    )
    assert pd.isna(table.loc[names[1], "target"])
    buttons = {b.key for b in app.button}
    assert {f"Pause-{runs[0].id}", f"Continue-{runs[1].id}", f"Stop-{runs[1].id}"} <= buttons
    alone = chart(visit("live", run=old.id), "Task loss")["layer"][0]["encoding"]["color"]["scale"]
    assert alone["range"] == [compare.COLORS[0]]


def test_gates_and_log_are_of_the_chosen_run(visit, runs_dir):
    dense = make_run(runs_dir, method="full")
    gated = make_run(runs_dir)
    (dense.path / LOG_FILE).write_text("**dense** <b>log</b>\n")
    app = visit("live", runs=[dense.id, gated.id])
    assert app.selectbox(key="run_box").value == gated.id and chart(app, "Values of the gates")
    app.selectbox(key="run_box").set_value(dense.id).run()
    assert codes(app)[0] == "**dense** <b>log</b>"
    assert "has no gates" in texts(app) and len(app.get("vega_lite_chart")) == 3
    app.multiselect(key="runs").set_value([gated.id]).run()
    assert not app.exception and chart(app, "Values of the gates")


def test_layer_and_vector_of_the_ridge_are_in_the_address(visit, runs_dir):
    app = visit("live", run=make_run(runs_dir).id, layer="1", vector="o.out")
    assert chart(app, "Values of the gates o.out of layer 1") and not app.exception


def test_smoothing_changes_the_strong_line_alone(visit, runs_dir):
    run = make_run(runs_dir)
    app = visit("live", run=run.id, smoothing="1")
    assert app.select_slider(key="smoothing").value == 1
    raw, strong = (layer["encoding"]["y"]["field"] for layer in chart(app, "Task")["layer"][:2])
    assert (raw, strong) == ("task_loss", "smoothed")


def test_expected_and_current_target_can_be_seen_of_several_runs(visit, runs_dir):
    runs = [make_run(runs_dir, target_sparsity=t).id for t in (0.2, 0.4)]
    layers = chart(visit("live", runs=runs, line="expected"), "Removed weights against")["layer"]
    fields = [layer["encoding"]["y"]["field"] for layer in layers]
    assert fields[:2] == ["current_target", "expected_removed"]


@pytest.mark.parametrize("content", ["{not json", '{"state": "dancing"}'])
def test_a_broken_run_is_a_card_and_the_others_stay(visit, runs_dir, content):
    broken, good = make_run(runs_dir), make_run(runs_dir)
    (broken.path / "status.json").write_text(content)
    app = visit("live", runs=[broken.id, good.id])
    assert not app.exception and "can't be read" in app.error[0].value
    assert len(app.get("vega_lite_chart")) == len(CHARTS)
    app = visit("live", run=broken.id)
    assert not app.exception and not app.get("vega_lite_chart")


def test_queued_and_starting_runs_beside_others_say_what_they_wait_for(visit, runs_dir):
    runs = [make_run(runs_dir, "queued"), make_run(runs_dir, "starting", progress=0)]
    app = visit("live", runs=[run.id for run in runs])
    assert not app.exception and len(app.info) == 2 and not app.get("vega_lite_chart")


def test_nothing_chosen_and_unknown_runs_are_told(visit, runs_dir):
    run = make_run(runs_dir)
    app = visit("live", runs=[run.id, "nothing"])
    assert "Unknown run 'nothing'" in app.error[0].value and chosen_in(app) == [run.id]
    app.multiselect(key="runs").set_value([]).run()
    assert "Choose a run" in texts(app) and not app.exception


def test_a_run_that_is_deleted_meanwhile_leaves_the_others(visit, runs_dir):
    gone, stays = make_run(runs_dir), make_run(runs_dir)
    app = visit("live", runs=[gone.id, stays.id])
    delete_run(gone)
    app.run()
    assert not app.exception and chosen_in(app) == [stays.id]


def test_charts_keep_their_zoom(visit, runs_dir):
    app = visit("live", run=make_run(runs_dir).id)
    for name in ("Task loss", "Score at", "Removed weights against"):
        (found,) = [c for c in app.get("vega_lite_chart") if c.proto.alt.startswith(name)]
        assert list(found.proto.selection_mode) == [ZOOM]


def test_runs_at_work_and_those_that_come_next_are_chosen_before_later_ones(visit, runs_dir):
    at_work = make_run(runs_dir, "running", progress=0.3)
    waiting = [make_run(runs_dir, "queued", seed=seed) for seed in range(8)]
    app = visit("live")
    assert not app.exception
    chosen = [at_work.id, *(run.id for run in waiting[:5])]
    assert app.multiselect(key="runs").value == chosen


@pytest.mark.parametrize("page", ["live", "prune"])
def test_a_run_that_answers_every_row_alike_is_called_failed_with_what_to_try(
    visit, runs_dir, page
):
    run = make_run(runs_dir)
    assert not visit(page, run=run.id).warning
    write_status(run.path, replace(run.status(), only_answer="acceptable"))
    said = visit(page, run=run.id).warning[0].value
    assert "the same answer, acceptable" in said and "fitted first" in said
    early = make_run(runs_dir, "running", progress=0.2)
    write_status(early.path, replace(early.status(), only_answer="acceptable"))
    assert not visit("live", run=early.id).warning
