"""Runs whose gates go through the whole model: a row of their own, and a strip of the stream."""

import io
import json

import numpy as np
import pytest

from app.dimensions.choice import STREAM, SURVIVORS, VIEWS
from app.dimensions.map_frames import as_percent, hidden_map
from app.dimensions.mask_files import masks_csv, masks_npz
from app.live.ridge_frames import vectors_of
from app.reading.feed import Feed
from app.snapshots.frames import closing, layer_counts, shares, survivors
from app.snapshots.view import GateView
from finegates.gates.layout import ALL_LAYERS
from finegates.reports.gates import closing as closing_figure
from finegates.reports.gates import removed, values_of_layers
from finegates.reports.gates import survivors as survivor_table
from tests.app.components import heat_maps
from tests.app.fake_runs import make_run

UNITS = ("hidden", "heads", "neurons")


def run_with(runs_dir, units=UNITS, **settings):
    return make_run(runs_dir, gate_units=units, target_sparsity=0.4, **settings)


def view_of(run):
    return GateView(run.id, run.id, run.snapshot())


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("units", [("hidden",), UNITS, ("hidden", "reads")])
def test_every_view_of_the_dimensions_page_opens(visit, runs_dir, view, units):
    runs = [run_with(runs_dir, units, seed=seed) for seed in range(2)]
    app = visit("dimensions", run=runs[0].id, show=view, against=[runs[1].id])
    assert not app.exception and not app.error


@pytest.mark.parametrize("view", ["steps", "bars"])
def test_the_live_page_opens(visit, runs_dir, view):
    app = visit("live", run=run_with(runs_dir).id, view=view, matrices="hidden", layer="all")
    assert not app.exception
    assert app.selectbox(key="layer").value == "all"
    assert app.selectbox(key="vector").value == "hidden.whole"


def test_the_strip_says_which_dimensions_are_open(visit, runs_dir):
    run = run_with(runs_dir)
    view = view_of(run)
    values = view.values[view.layout.hidden.slice]
    strip = hidden_map(view)
    assert strip.layers == (ALL_LAYERS,) and np.array_equal(strip.cells, as_percent(values)[None])
    app = visit("dimensions", run=run.id, show=STREAM)
    (drawn,) = [spec for spec in heat_maps(app) if spec["rows"] == 1]
    assert drawn["names"] == ["all"] and drawn["columns"] == 16
    is_open = int((values > 0).sum())
    assert 0 < is_open < 16
    assert any(f"{is_open} of 16 open" in text.value for text in app.markdown)


def test_a_run_without_such_gates_has_no_strip(runs_dir):
    assert hidden_map(view_of(make_run(runs_dir))) is None


def test_all_layers_have_a_row_of_their_own_and_no_number(visit, runs_dir):
    run = run_with(runs_dir)
    feed = Feed(run)
    feed.refresh()
    histograms = feed.histograms
    layers, counts = layer_counts(histograms, UNITS)
    assert layers == [ALL_LAYERS, 0, 1] and (counts[:, 0].sum(axis=1) == 16).all()
    assert [*dict.fromkeys(closing(histograms, UNITS)["layer"])] == ["all", "0", "1"]
    assert {*shares(histograms, UNITS, np.array([-1]))["layer"]} == {"all", "0", "1"}
    assert vectors_of(histograms)["all"] == ["hidden.whole"]
    frame = survivors(view_of(run))
    assert {*frame["place"]} == {"all", "0", "1"}
    app = visit("dimensions", run=run.id, show=SURVIVORS)
    (table,) = app.dataframe
    assert [*table.value.columns] == ["of", "all", "L0", "L1"]
    assert "L-1" not in json.dumps([element.proto.__str__() for element in app.main])


def test_masks_name_them(runs_dir):
    view = view_of(run_with(runs_dir))
    lines = masks_csv([view]).splitlines()
    assert lines[-1].startswith("all.hidden.whole,all,hidden,whole,15,")
    with np.load(io.BytesIO(masks_npz([view]))) as arrays:
        assert np.array_equal(arrays["all.hidden.whole"], view.kept[view.layout.hidden.slice])


def test_a_report_has_them(runs_dir):
    run = run_with(runs_dir)
    snapshot = run.snapshot()
    figures = json.dumps([str(figure) for figure in (
        closing_figure(run), values_of_layers(snapshot), removed(snapshot),
    )])  # fmt: skip
    assert "L-1" not in figures and "'all'" in figures
    table = str(survivor_table(snapshot))
    assert "Residual stream, whole" in table and "L-1" not in table and ">all<" in table
