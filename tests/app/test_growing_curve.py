"""A curve that grows: on both pages its points have bars, it can be stopped, and it is no score."""

import json

import pytest

from app.prune.frames import ALL, score_frame
from app.prune.parts import load_measured
from app.tradeoff.partial import partial_points
from finegates.gates.cuts import Cut
from finegates.jobs.tasks import RUNNING
from finegates.results.points import THRESHOLDS, TRAINED
from finegates.results.rows import rows_of, threshold_rows
from finegates.runs.measurements import at_cut, keep_points
from tests.app.fake_runs import make_run
from tests.app.test_pages import texts
from tests.app.test_prune_page import POINT, task

CUT = Cut(threshold=0.9)
PART = {
    **{name: value for name, value in POINT.items() if name != "metrics"}, "remove": None,
    "threshold": 0.9, "score": 0.61, "score_low": 0.52, "score_high": 0.7, "rows": 87,
    "all_rows": 872, "removed_weights_fraction": 0.77,
}  # fmt: skip
WHOLE = {**POINT, "remove": None, "threshold": 0.9, "removed_weights_fraction": 0.77}


@pytest.fixture
def run(runs_dir):
    run = make_run(runs_dir, target_sparsity=0.4)
    (run.path / "trained").mkdir()
    (run.path / "tasks").mkdir()
    keep_points(run, [PART])
    return run


@pytest.fixture
def at_work(monkeypatch):
    tasks = {"curve": task("curve", RUNNING, fraction=0.3, doing="gates up to 0.4 closed")}
    for module in ("one_run", "results"):
        monkeypatch.setattr(f"app.reading.{module}.read_task", lambda run, name: tasks.get(name))
    return tasks


@pytest.fixture
def stopped(monkeypatch):
    asked = []
    for name in ("stop_task", "forget_task"):
        monkeypatch.setattr(f"app.widgets.task_bar.{name}", lambda *words, n=name: asked.append(n))
    return asked


def charts(app):
    return [json.loads(chart.proto.spec) for chart in app.get("vega_lite_chart")]


def test_a_point_on_a_part_of_the_rows_is_for_the_chart_of_its_curve_only(run):
    assert at_cut(run, CUT).point is None
    trained, *others = rows_of(run, run.row())
    assert not others and not threshold_rows(run, trained)
    frame = score_frame(load_measured(run, CUT))
    assert frame["rows"].tolist() == [ALL, "87 of 872"]
    (point,) = partial_points([run.row()], {run.id: _costs(run)}, (THRESHOLDS,)).to_dict("records")
    assert (point["low"], point["high"], point["removed"]) == (0.52, 0.7, 0.77)
    assert partial_points([run.row()], {run.id: _costs(run)}, (TRAINED,)).empty
    keep_points(run, [WHOLE])
    assert partial_points([run.row()], {run.id: _costs(run)}, (THRESHOLDS,)).empty
    assert score_frame(load_measured(run, CUT))["rows"].tolist() == [ALL, ALL]


def _costs(run):
    from app.reading.run_costs import read_costs

    return read_costs(run)


def test_the_prune_page_shows_bars_and_goes_on_with_a_curve(visit, run):
    app = visit("prune", run=run.id, threshold="0.9")
    assert not app.exception
    (scores, *_) = charts(app)
    assert any(layer["mark"]["type"] == "rule" and "y2" in layer["encoding"]
               for layer in scores["layer"] if "mark" in layer)  # fmt: skip
    assert "on a part of the rows" in texts(app)
    assert app.button(key=f"do-curve-{run.id}").label == "Go on with 20 cuts"
    assert {m.label: m.value for m in app.metric}["Accuracy"] == "not measured"


def test_the_prune_page_stops_a_curve(visit, run, at_work, stopped):
    app = visit("prune", run=run.id)
    app.button(key=f"stop-curve-{run.id}").click().run()
    assert stopped == ["stop_task", "forget_task"] and not app.exception


def test_the_trade_off_shows_a_growing_curve_with_bars_and_stops_it(visit, run, at_work, stopped):
    app = visit("tradeoff", curves=["one training per target", "one run, thresholds"])
    assert not app.exception
    (progress,) = [p.proto.text for p in app.get("progress")]
    assert "Scoring 20 cuts" in progress and "gates up to 0.4 closed" in progress
    (chart,) = charts(app)
    assert '"score_high"' not in json.dumps(chart) and '"y2": {"field": "high"}' in json.dumps(
        chart
    )
    assert "curve that is not complete" in texts(app)
    app.button(key=f"stop-curve-{run.id}").click().run()
    assert stopped == ["stop_task", "forget_task"]


def test_the_trade_off_says_where_a_curves_points_come(visit, run, at_work):
    assert "one run, thresholds" in texts(visit("tradeoff"))
