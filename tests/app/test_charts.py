"""Frames in, figures out: colours, ranges and sizes that a reader relies on."""

import json
import time

import altair as alt
import numpy as np
import pytest

from app import words
from app.charts import curves, gates, layers, style
from app.charts.compare import Axis, overlay
from app.charts.ridge import over_time
from app.live.ridge_frames import ridge
from app.reading.feed import Feed
from app.snapshots.frames import (
    BIN_NAMES,
    CELL_BUDGET,
    cells,
    closing,
    layer_counts,
    removed_frame,
    shares,
    some_steps,
)
from finegates.files.storage import append_line
from finegates.gates.removal import HISTOGRAM_BINS
from finegates.runs.folder import HISTOGRAMS_FILE, METRICS_FILE
from finegates.spec import ROLES
from tests.app.fake_runs import BERT_BASE, TINY, Size, grow, make_run

STEP, SCORE = Axis("step", "Step", end=190), Axis("score", "Accuracy", includes=(0.5,))
LARGE = Size(layers=24, hidden=64, ffn=128, heads=4)


@pytest.fixture(autouse=True)
def any_number_of_rows():
    """As in Streamlit, which sends data apart from the specification."""
    with alt.data_transformers.disable_max_rows():
        yield


@pytest.fixture(scope="module")
def feed(tmp_path_factory) -> Feed:
    feed = Feed(make_run(tmp_path_factory.mktemp("runs"), size=TINY))
    feed.refresh()
    return feed


def test_shares_of_a_layer_sum_to_one_at_every_step(feed):
    frame = shares(feed.histograms, ROLES, np.arange(len(feed.histograms.steps)))
    sums = frame.groupby(["layer", "step"])["share"].sum()
    assert np.allclose(sums, 1)
    assert set(frame["values"]) <= set(BIN_NAMES)
    assert len(BIN_NAMES) == HISTOGRAM_BINS + 2


def test_layers_are_summed_over_the_chosen_roles_only(feed):
    histograms = feed.histograms
    _, all_roles = layer_counts(histograms, ROLES)
    _, only_q = layer_counts(histograms, ("q",))
    assert all_roles.sum() == histograms.counts.sum()
    assert only_q[0].sum() == TINY.layers * 2 * TINY.hidden


@pytest.mark.parametrize("size", [TINY, BERT_BASE, LARGE])
def test_the_histogram_chart_stays_within_what_a_browser_bears(tmp_path, size):
    feed = Feed(make_run(tmp_path, size=size, total_steps=3000))
    feed.refresh()
    histograms = feed.histograms
    places = some_steps(len(histograms.steps), size.layers)
    assert len(shares(histograms, ROLES, places)) <= CELL_BUDGET
    assert places[-1] == len(histograms.steps) - 1


@pytest.mark.parametrize("steps", [[0], [0, 5, 10], [1, 4, 190], [186, 189]])
def test_cells_touch_and_stay_within_the_training(steps):
    starts, ends = cells(np.array(steps), 190)
    assert (starts[1:] == ends[:-1]).all() and (ends > starts).all() and ends[-1] <= 191


def test_every_live_chart_is_a_valid_specification(feed):
    total = 190
    for chart in (
        overlay(feed.train.assign(name="a"), {"a": 0}, STEP, Axis("task_loss", "Task loss")),
        overlay(feed.evaluations.assign(name="a"), {"a": 3}, STEP, SCORE, points=True),
        curves.sparsity(feed.train, 0.3, total),
        over_time(ridge(feed.histograms, "1", "q.in")),
        gates.over_steps(shares(feed.histograms, ROLES, np.array([0, 3]), total), total),
        gates.at_step(shares(feed.histograms, ROLES, np.array([-1]))),
        layers.closing(closing(feed.histograms, ROLES, total), total),
    ):
        if isinstance(chart, dict):  # the page validates none
            chart = alt.LayerChart.from_dict({**chart, "datasets": {}})
        assert chart.to_dict()["$schema"]


@pytest.mark.parametrize("dark", [False, True])
def test_removed_weights_are_sent_as_a_valid_specification(tmp_path, dark):
    frame = removed_frame(make_run(tmp_path, total_steps=20, target_sparsity=0.4).snapshot())
    given = layers.removed_by_matrix(frame, dark)
    chart = alt.LayerChart.from_dict({**given, "data": {"values": frame.to_dict("records")}})
    assert chart.to_dict()["encoding"]["y"]["sort"] == [0, 1]


def test_the_rounding_is_marked_where_the_expectation_ends(feed):
    train = feed.train
    assert curves.rounding_step(train) is None
    train.loc[train["step"] > 120, "expected_removed"] = np.nan
    step = curves.rounding_step(train)
    assert step == train["step"][train["step"] > 120].min()
    assert "rounded:\nlowest gates" in json.dumps(
        {**curves.sparsity(train, 0.3, 190), "datasets": None}
    ).replace("\\n", "\n")


def test_a_recipe_without_a_budget_has_no_rounding(feed):
    train = feed.train.assign(expected_removed=np.nan)
    assert curves.rounding_step(train) is None


def test_a_feed_reads_only_what_is_new(tmp_path):
    run = make_run(tmp_path, "running", progress=0.5)
    feed = Feed(run)
    feed.refresh()
    before = len(feed.train)
    feed.refresh()
    assert len(feed.train) == before
    grow(run, TINY, 190, start=95, end=150)
    feed.refresh()
    assert feed.train["step"].max() == feed.histograms.steps[-1] == 150
    assert feed.train["step"].is_unique


def test_steps_that_a_resumption_did_again_count_once(tmp_path):
    run = make_run(tmp_path, "running", progress=0.5)
    feed = Feed(run)
    feed.refresh()
    steps, rows = feed.histograms.steps, len(feed.train)
    counts = dict.fromkeys(feed.histograms.names, [1] + [0] * (HISTOGRAM_BINS + 1))
    append_line(run.path / METRICS_FILE, {"kind": "resumed", "step": int(steps[10])})
    append_line(run.path / HISTOGRAMS_FILE, {"step": int(steps[11]), "counts": counts})
    feed.refresh()
    assert feed.histograms.steps.tolist() == steps[:12].tolist()
    assert feed.histograms.counts[-1].sum() == len(counts)
    assert len(feed.train) == 11 < rows


def test_a_damaged_line_does_not_stop_the_feed(tmp_path):
    run = make_run(tmp_path)
    with open(run.path / METRICS_FILE, "ab") as file:
        file.write(b'{"kind": "train", "step":')
    with open(run.path / HISTOGRAMS_FILE, "ab") as file:
        file.write(b"garbage\n[1]\n{}\n")
    feed = Feed(run)
    feed.refresh()
    assert len(feed.train) and feed.histograms is not None


def test_a_live_tick_is_cheap(tmp_path):
    """All charts of one tick for a BERT-base-sized run; two seconds lie between two ticks."""
    feed = Feed(make_run(tmp_path, size=BERT_BASE))
    feed.refresh()
    start = time.perf_counter()
    histograms = feed.histograms
    at = some_steps(len(histograms.steps), BERT_BASE.layers)
    for chart in (
        overlay(feed.train.assign(name="a"), {"a": 0}, STEP, Axis("task_loss", "Task loss")),
        curves.sparsity(feed.train, 0.3, 190),
        over_time(ridge(histograms, "11", "output.out")),
        gates.over_steps(shares(histograms, ROLES, at, 190), 190),
        layers.closing(closing(histograms, ROLES, 190), 190),
    ):
        assert chart is not None
    assert time.perf_counter() - start < 1.0


def test_numbers_read_well():
    assert words.percent(0.3) == "30.0 %" and words.percent(None) == words.NOTHING
    assert words.duration(75) == "1 min 15 s" and words.duration(7200) == "2 h"
    assert words.duration(None) == words.NOTHING and words.duration(float("inf")) == words.NOTHING
    assert words.size(1_320_000_000) == "1.2 GiB" and words.size(512) == "512 B"
    assert words.count(10_616_832) == "10.6 M" and words.count(9_999) == "9,999"
    assert words.metric_name("macro_f1") == "Macro F1"


def test_a_range_of_scores_is_never_so_narrow_that_noise_fills_it():
    low, high = style.spread(0.804, 0.826)
    assert high - low >= style.SMALLEST_RANGE and low < 0.804 < 0.826 < high
    wide_low, wide_high = style.spread(0.2, 0.9)
    assert wide_low < 0.2 and 0.9 < wide_high < 1.0
