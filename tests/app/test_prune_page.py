"""Pruning a finished run from its page: what a cut closes at once, and what is measured of it."""

import numpy as np
import pytest

from app.prune.frames import MeasuredCuts, score_frame, side_by_side, time_frame
from finegates.errors import RunError
from finegates.gates.cuts import Cut, cut_snapshot
from finegates.gates.removal import removal
from finegates.jobs.tasks import DONE, FAILED, RUNNING, Task
from finegates.runs.folder import CURVE_FILE
from finegates.runs.measurements import keep_points, keep_timing
from tests.app.fake_runs import make_curve, make_run
from tests.app.test_pages import texts

TIMING = {
    "remove": 0.4, "threshold": None, "batch_size": 8, "seq_len": 128, "dtype": "float32",
    "device": "cpu", "threads": 2, "hardware": "a cpu", "dense_s": 0.2, "masked_s": 0.21,
    "shrunk_s": 0.1, "shrunk_p10_s": 0.09, "shrunk_p90_s": 0.12, "speedup": 2.0,
    "mac_ratio": 2.2, "realised_over_ideal": 0.91, "removed_weights_fraction": 0.4,
}  # fmt: skip
POINT = {
    "remove": 0.4, "threshold": None, "score": 0.81, "metrics": {"accuracy": 0.81},
    "removed_weights_fraction": 0.4, "closed_gates_fraction": 0.18, "reopened_gates": 0,
    "params": 18_000_000, "mac_ratio": 2.2,
}  # fmt: skip
DENSE = {**POINT, "remove": 0.0, "score": 0.83, "removed_weights_fraction": 0.0,
         "params": 22_000_000, "mac_ratio": 1.0}  # fmt: skip


@pytest.fixture
def run(runs_dir):
    run = make_run(runs_dir, target_sparsity=0.4)
    (run.path / "trained").mkdir()
    return run


@pytest.fixture
def started(monkeypatch):
    """What was to be started; nothing is."""
    asked = []
    monkeypatch.setattr("app.prune.actions.start_task", lambda *words: asked.append(words))
    return asked


def metrics(app) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


@pytest.mark.parametrize(
    ("address", "cut"),
    [
        ({"remove": "0.3"}, Cut(remove=0.3)),
        ({"by": "Threshold", "threshold": "0.5"}, Cut(threshold=0.5)),
        ({"by": "Threshold", "threshold": "1.0"}, Cut(threshold=1.0)),
    ],
)
def test_a_cut_shows_at_once_what_it_closes(visit, run, address, cut):
    app = visit("prune", run=run.id, **address)
    assert not app.exception
    snapshot = cut_snapshot(run.snapshot(), cut)
    counts = removal(snapshot.layout, snapshot.closed)
    assert metrics(app)["Weights removed"] == f"{100 * counts.removed_weights_fraction:.1f} %"
    assert metrics(app)["Speed-up"] == metrics(app)["Accuracy"] == "not measured"


def test_a_link_without_a_cut_shows_what_training_left(visit, run):
    snapshot = run.snapshot()
    own = removal(snapshot.layout, snapshot.closed).removed_weights_fraction
    app = visit("prune", run=run.id)
    assert app.slider(key="remove").value == pytest.approx(own, abs=0.005)


def test_buttons_start_our_own_commands_on_this_cut(visit, run, started):
    app = visit("prune", run=run.id, remove="0.3")
    for key in ("do-score", "do-curve", "do-time", "do-save"):
        app.button(key=key).click().run()
        assert not app.exception
    score, curve, timed, saved = (words[2] for words in started)
    assert score[:3] == ["prune", run.id, "--remove=0.3"]
    assert curve[:3] == ["evaluate", run.id, "--curve"]
    assert timed[:3] == ["bench", run.id, "--remove=0.3"] and "--batch-size=8" in timed
    assert saved[:3] == ["export", run.id, "--remove=0.3"]
    assert str(run.path / "exports" / "remove-0.3") in saved[3]
    assert all(words[-2:] == ["--runs-dir", str(run.path.parent)] for words in (score, saved))


def test_measured_cuts_are_shown_beside_dense(visit, run):
    keep_points(run, [DENSE, POINT])
    keep_timing(run, TIMING)
    app = visit("prune", run=run.id, remove="0.4")
    shown = metrics(app)
    assert shown["Accuracy"] == "0.810" and shown["Speed-up"] == "2.00 x"
    (table,) = [d.value for d in app.dataframe if "dense" in d.value.columns]
    assert table["pruned"].tolist()[0] == "0.810" and "-2.0 points" in table["change"].tolist()
    assert "every gate open" in texts(app)


@pytest.mark.parametrize(
    ("task", "told", "busy"),
    [
        (Task("score", RUNNING, (), 0.0, None, "", "40.0%  81.2"), "Scoring", True),
        (Task("score", FAILED, (), 0.0, None, "The data has changed.", ""), "has changed", False),
        (Task("score", DONE, (), 0.0, {}, "", ""), "", False),
    ],
)
def test_what_is_at_work_and_what_failed_is_told(visit, run, monkeypatch, task, told, busy):
    def read(_, name):
        return task if name == "score" else None

    monkeypatch.setattr("app.reading.one_run.read_task", read)
    app = visit("prune", run=run.id)
    assert told in texts(app) and not app.exception
    assert app.button(key="do-score").disabled == busy


def test_a_task_that_can_not_start_is_told(visit, run, monkeypatch):
    def refuse(*_):
        raise RunError("It is at work; wait for it.")

    monkeypatch.setattr("app.prune.actions.start_task", refuse)
    app = visit("prune", run=run.id)
    app.button(key="do-score").click().run()
    assert "wait for it" in texts(app)


def test_a_run_without_weights_can_be_looked_at(visit, runs_dir):
    app = visit("prune", run=make_run(runs_dir).id)
    assert "not its trained weights" in texts(app)
    assert metrics(app)["Gates closed"] and not app.exception


def test_an_unfinished_run_waits(visit, runs_dir):
    app = visit("prune", run=make_run(runs_dir, "running", progress=0.5).id)
    assert "wait until it has finished" in texts(app) and not app.exception


def test_a_dense_run_has_nothing_to_cut(visit, runs_dir):
    app = visit("prune", run=make_run(runs_dir, method="full").id)
    assert not app.exception and not app.metric


def test_a_damaged_file_is_told_and_the_page_stays(visit, run):
    (run.path / CURVE_FILE).write_text("{")
    app = visit("prune", run=run.id)
    assert "can't be read" in texts(app) and not app.exception


def test_an_exported_cut_is_offered_and_can_be_deleted(visit, run):
    folder = run.path / "exports" / "remove-0.3"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    app = visit("prune", run=run.id, remove="0.3")
    assert str(folder) in [block.value for block in app.code]
    next(b for b in app.button if b.label == "Delete this folder").click().run()
    assert not folder.exists() and not app.exception


def test_frames_hold_what_was_measured(run):
    make_curve(run)
    keep_points(run, [POINT, {**POINT, "remove": None, "threshold": 0.5, "score": 0.7}])
    measured = MeasuredCuts([DENSE, POINT], [TIMING], run.status())
    assert score_frame(measured)["removed"].is_monotonic_increasing
    assert "as trained" in set(score_frame(measured)["kind"])
    (row,) = time_frame(measured).itertuples()
    assert row.factor == 0.5 and np.isclose(row.ceiling, 1 / 2.2) and row.low < row.high
    assert measured.point(Cut(threshold=0.4)) is None
    assert len(side_by_side(DENSE, POINT, TIMING, "Accuracy")) == 4
    assert len(side_by_side(None, None, None, "Accuracy")) == 0


def test_nothing_measured_draws_empty_frames(run):
    measured = MeasuredCuts([], [], run.status())
    assert score_frame(measured).empty and time_frame(measured).empty and measured.dense is None
