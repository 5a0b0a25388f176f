"""A run as it trains: numbers, charts, buttons, and the moment when it ends."""

import os
import time
from dataclasses import replace

from fake_runs import TINY, grow, make_run
from test_pages import texts

from finegates.runs import LOG_FILE
from finegates.status import PAUSE_FILE, STOP_FILE, write_status

CHARTS = ("loss", "score", "sparsity", "closing", "removed", "spread")


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
    assert "<b>OSError</b>" in app.code[0].value
    app.button(key=f"Resume-{run.id}").click().run()
    assert run.status().state == "queued" and dispatched[0] == runs_dir


def test_the_page_settles_when_the_run_ends(visit, runs_dir):
    run = make_run(runs_dir, "running", progress=0.5)
    app = visit("live", run=run.id)
    write_status(run.path, replace(run.status(), state="stopped", reason="Stopped by you."))
    app.run()
    assert not app.exception
    assert f"Resume-{run.id}" in [b.key for b in app.button]
