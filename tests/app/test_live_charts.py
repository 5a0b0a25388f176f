"""Charts of the Live page: spikes that stay, colours that stay, zoom that stays, stated bins."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from app.charts import compare
from app.charts.compare import Axis, overlay, thinned
from app.charts.ridge import how_to_read, over_time
from app.charts.zoom import ZOOM
from app.curves.frames import smoothed
from app.curves.looks import look_numbers, looks_of
from app.live.curves import line_of_scores
from app.live.ridge_frames import MOST_ROWS, ridge, vectors_of
from app.reading.feed import TRAIN_COLUMNS, Feed, metrics_frame
from app.reading.metric_table import MetricTable
from finegates.files.storage import LineReader
from finegates.gates.removal import HISTOGRAM_BINS
from finegates.reports.envelope import envelope
from finegates.runs.bin import delete_run
from finegates.runs.folder import Run, current_rows
from finegates.runs.status import Status
from tests.app.fake_runs import TINY, grow, make_run

MANY = 100_000


def noise(rows: int = MANY) -> pd.DataFrame:
    values = np.random.default_rng(0).normal(size=rows)
    values[[12_345, 77_777]] = 40.0, -40.0
    return pd.DataFrame({"step": np.arange(rows), "loss": values})


def test_a_chart_of_many_logs_keeps_every_spike():
    frame = noise()
    few = envelope(frame, "loss", 2000)
    assert len(few) <= 2000
    assert few["loss"].max() == 40.0 and few["loss"].min() == -40.0
    assert few["step"].iloc[0] == 0 and few["step"].iloc[-1] == MANY - 1
    assert few["step"].is_monotonic_increasing and few["step"].is_unique
    evenly = frame.iloc[:: MANY // 2000]
    assert evenly["loss"].max() < 40.0, "the control has lost the spike"


def test_every_stretch_keeps_its_own_extremes():
    frame = noise()
    few = envelope(frame, "loss", 102)  # 50 stretches of 2,000 rows
    for start in range(0, MANY, 2000):
        rows = frame["loss"][start : start + 2000]
        inside = few["loss"][few["step"].between(start, start + 1999)]
        assert inside.max() == rows.max() and inside.min() == rows.min()


@pytest.mark.parametrize("rows", [0, 1, 3, 100])
def test_short_frames_stay_as_they_are(rows):
    frame = pd.DataFrame({"step": range(rows), "loss": [1.0] * rows})
    assert envelope(frame, "loss", 100) is frame


def test_rows_without_a_value_do_not_stand_in_for_spikes():
    frame = noise()
    frame.loc[frame["step"] % 2 == 1, "loss"] = np.nan
    assert envelope(frame, "loss", 50)["loss"].notna().sum() >= 48
    assert len(envelope(frame.assign(loss=np.nan), "loss", 50)) == 2


def test_many_runs_share_the_points_of_a_chart():
    frame = pd.concat([noise().assign(name=name) for name in "abc"])
    few = thinned(frame, "loss", compare.MOST_POINTS)
    assert len(few) <= compare.MOST_POINTS and few["name"].nunique() == 3


def test_a_run_keeps_its_look_when_others_come_and_go(runs_dir):
    runs = [make_run(runs_dir, "stopped", progress=0.1).id for _ in range(4)]
    looks = dict(zip(runs, looks_of(runs_dir, runs), strict=True))
    assert list(looks.values()) == [0, 1, 2, 3]
    assert looks_of(runs_dir, [runs[2], runs[0]]) == [2, 0]
    delete_run(Run(runs_dir / runs[0]))
    make_run(runs_dir, "queued")
    assert looks_of(runs_dir, runs[1:]) == [1, 2, 3]


def test_two_runs_that_are_shown_together_never_look_the_same():
    every = [f"{number:03d}" for number in range(3 * compare.NUM_LOOKS)]
    chosen = [every[number] for number in (0, 21, 42, 1, 22)]
    looks = look_numbers(chosen, every)
    assert looks == [0, 7, 14, 1, 8]
    of_one_color = every[::7]
    assert len({*look_numbers(of_one_color, every)}) == len(of_one_color)


def test_dashes_are_only_for_runs_of_one_colour():
    every = [f"{number:03d}" for number in range(3 * compare.NUM_LOOKS)]
    for alone in every:
        assert compare.dash_of_run(*look_numbers([alone], every)) == [1, 0]


def test_columns_that_grow_are_the_rows_read_at_once(tmp_path):
    run = make_run(tmp_path, "running", progress=0.5)
    table = MetricTable("train", TRAIN_COLUMNS)
    reader = LineReader(run.path / "metrics.jsonl")
    table.extend(reader.read_new())
    with open(run.path / "metrics.jsonl", "a") as file:
        file.write('{"kind":"resumed","step":40}\n{"kind":"train","step":"x"}\n')
    table.extend(reader.read_new())
    grow(run, TINY, 190, start=40, end=150)
    table.extend(reader.read_new())
    every = LineReader(run.path / "metrics.jsonl").read_new()
    pd.testing.assert_frame_equal(table.frame, metrics_frame(every, "train", TRAIN_COLUMNS))
    steps = [row["step"] for row in current_rows(every) if row["kind"] == "train"]
    assert table.frame["step"].tolist() == steps and len(steps) == len({*steps})


def test_an_untouched_feed_makes_no_frame_anew(tmp_path):
    feed = Feed(make_run(tmp_path))
    feed.refresh(histograms=False)
    before = feed.train
    feed.refresh(histograms=False)
    assert feed.train is before and feed.histograms is None
    feed.refresh()
    assert feed.histograms is not None


def test_a_ridge_has_stated_bins_and_all_gates_of_the_vector(tmp_path):
    feed = Feed(make_run(tmp_path, size=TINY))
    feed.refresh()
    assert vectors_of(feed.histograms)["1"][:2] == ["q.in", "q.out"]
    frame = ridge(feed.histograms, "1", "q.in")
    by_step = frame.groupby("step")
    assert (by_step["gates"].sum() == TINY.hidden).all() and np.allclose(by_step["share"].sum(), 1)
    assert (by_step.size() == HISTOGRAM_BINS + 2).all() and len(by_step) <= MOST_ROWS
    newest = frame.loc[frame["row"].idxmax()]
    assert newest["step"] == feed.histograms.steps[-1] == frame["step"].iloc[0]
    inner = frame[frame["bin"].between(1, HISTOGRAM_BINS)]
    assert inner["low"].min() == 0 and inner["high"].max() == 1
    assert frame["low"].min() < 0 and frame["high"].max() > 1


def test_the_ridge_states_its_scale(tmp_path):
    feed = Feed(make_run(tmp_path, size=TINY))
    feed.refresh()
    frame = ridge(feed.histograms, "0", "q.in")
    frame["share"] = np.where(frame["bin"] == 5, 0.25, 0.0)
    assert "holds 25.0% of the gates" in how_to_read(frame)
    assert over_time(frame).to_dict()


def test_one_step_alone_is_a_ridge_too(tmp_path):
    run = make_run(tmp_path, "running", progress=0.01)
    feed = Feed(run)
    feed.refresh()
    assert over_time(ridge(feed.histograms, "0", "q.in")).to_dict()


def falling(span: int) -> tuple[np.ndarray, np.ndarray]:
    """A loss that falls from 2 to 1 at its 200th line, and what it is smoothed to."""
    loss = np.where(np.arange(400) < 200, 2.0, 1.0)
    frame = pd.DataFrame({"name": "a", "task_loss": loss})
    return loss, smoothed(frame, span)["smoothed"].to_numpy()


@pytest.mark.parametrize("span", [8, 32, 128])
def test_smoothing_does_not_lag_behind_a_step(span):
    loss, smooth = falling(span)
    assert np.flatnonzero(smooth < 1.5)[0] == pytest.approx(200, abs=1)
    one_sided = pd.Series(loss).ewm(span=span).mean().to_numpy()
    assert np.flatnonzero(one_sided < 1.5)[0] > 200 + span / 5, "the control does not lag"
    assert smooth[0] == pytest.approx(2, abs=0.05) and smooth[-1] == pytest.approx(1, abs=0.05)


def test_smoothing_over_one_line_changes_nothing_and_a_constant_stays():
    loss, same = falling(1)
    assert np.array_equal(same, loss)
    constant = pd.DataFrame({"name": "a", "task_loss": np.full(50, 0.3)})
    assert np.allclose(smoothed(constant, 16)["smoothed"], 0.3)


def test_new_rows_change_the_data_of_a_chart_and_not_its_specification(tmp_path):
    feed = Feed(make_run(tmp_path, "running", progress=0.5))
    feed.refresh()
    axis, y = Axis("step", "Step", end=190), Axis("score", "Accuracy")
    first, second = (
        overlay(rows.assign(name="a"), {"a": 0}, axis, y, points=True)
        for rows in (feed.evaluations, pd.concat([feed.evaluations] * 2))
    )
    data = [spec.pop("datasets")[compare.MARKS] for spec in (first, second)]
    assert first == second and len(data[0]) < len(data[1])


def test_last_points_and_numbers_lie_inside_their_axes(tmp_path):
    feed = Feed(make_run(tmp_path))
    feed.refresh()
    rows = feed.evaluations.assign(name="a", score=1.0)
    spec = overlay(rows, {"a": 0}, Axis("step", "Step"), Axis("score", "Accuracy"), points=True)
    x, y = (spec["layer"][0]["encoding"][axis]["scale"]["domain"] for axis in "xy")
    assert rows["step"].max() < x[1] < 1.05 * rows["step"].max()
    assert 1 < y[1] < 1.01 and y[1] - y[0] >= 0.1  # no tick past 1, and none that noise fills


def test_a_target_behind_a_line_is_on_the_axis_too():
    frame = pd.DataFrame({"name": "a", "step": [1, 2], "now": [0.1, 0.2], "target": [0.3, 0.6]})
    spec = overlay(
        frame, {"a": 0}, Axis("step", "Step"), Axis("now", "Removed", "~%"), raw="target"
    )
    assert spec["layer"][1]["encoding"]["y"]["scale"]["domain"][1] >= 0.6


def test_long_names_stand_below_one_another():
    short, long = {"a": 0, "b": 1}, {"tickets · finegates+lora · 40% · seed 0": 0, "b": 1}
    frame = pd.DataFrame({"name": ["a"], "step": [1], "score": [0.5]})
    columns = [
        overlay(frame, looks, Axis("step", "Step"), Axis("score", "Score"))["layer"][0]["encoding"][
            "color"
        ]["legend"]["columns"]
        for looks in (short, long)
    ]
    assert columns == [2, 1]


def test_the_axis_stands_still_while_a_run_goes_on(tmp_path):
    feed = Feed(make_run(tmp_path, "running", progress=0.5))
    feed.refresh()
    axis, y = Axis("step", "Step", end=190), Axis("task_loss", "Task loss")
    frame = feed.train.assign(name="a")
    domains = {
        json.dumps(overlay(rows, {"a": 0}, axis, y)["layer"][0]["encoding"]["x"]["scale"])
        for rows in (frame, frame.head(5))
    }
    assert len(domains) == 1
    assert ZOOM in {p["name"] for p in overlay(frame, {"a": 0}, axis, y)["params"]}


@pytest.mark.parametrize(
    ("scores", "line"),
    [
        ([(0.9, 0.5)], (0.9, "before training")),
        ([(None, 0.5)], (0.5, "majority baseline")),
        ([(0.9, 0.5), (None, 0.5)], (0.5, "majority baseline")),
        ([(0.9, 0.5), (0.8, 0.6)], None),
        ([(None, None)], None),
    ],
)
def test_scores_are_held_against_the_model_before_training_else_the_majority(scores, line):
    runs = [
        SimpleNamespace(status=Status(reference_score=reference, majority_score=majority))
        for reference, majority in scores
    ]
    assert line_of_scores(runs) == line
