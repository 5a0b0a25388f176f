"""Cuts, and the points that are kept of them."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finegates.errors import RunError, SpecError
from finegates.gates.cuts import (
    AS_TRAINED,
    CURVE_END,
    Cut,
    curve_cuts,
    cut_snapshot,
    gates_to_prune,
)
from finegates.gates.laws import LAWS, GaussianLaw
from finegates.gates.layout import GatedMatrix, GateLayout
from finegates.gates.removal import removal
from finegates.gates.snapshots import Snapshot
from finegates.runs.folder import CURVE_FILE
from finegates.runs.measurements import keep_points, read_points, read_thresholds
from tests.fake_results import result

LAW = GaussianLaw()
LAYOUT = GateLayout((GatedMatrix(0, "W_I", 6, 10), GatedMatrix(0, "W_O", 10, 6)), 2, 2)
SCORED = {"score": 0.8, "removed_weights_fraction": 0.3}


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, "give one of them"),
        ({"threshold": 0.1, "remove": 0.1}, "give one of them"),
        ({"threshold": 1.2}, "threshold is 1.2; allowed is 0 to 1"),
        ({"threshold": float("nan")}, "allowed is 0 to 1"),
        ({"remove": 1.0}, "remove is 1.0; allowed is 0 to below 1"),
        ({"remove": -0.1}, "allowed is 0 to below 1"),
    ],
)
def test_what_is_no_cut_is_said(asked, told):
    with pytest.raises(SpecError, match=told):
        Cut(**asked)


@given(st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_a_threshold_closes_the_values_up_to_it(threshold, seed):
    means = np.random.default_rng(seed).uniform(-1, 1, LAYOUT.num_gates).astype(np.float32)
    closed = gates_to_prune(LAYOUT, LAW, means, Cut(threshold=threshold))
    values = LAW.value(means)
    assert (values[closed] <= threshold).all() and (values[~closed] > threshold).all()


SPREADS = {
    "even": lambda rng, shape: rng.uniform(-0.7, 0.5, shape),
    "all but a tenth fully open": lambda rng, shape: np.where(
        rng.uniform(size=shape) < 0.1, -0.2, rng.uniform(0.5, 2, shape)
    ),
    "all open, as of a dense run": lambda rng, shape: rng.uniform(0.6, 1.6, shape),
    "more than half closed": lambda rng, shape: rng.normal(-0.55, 0.3, shape),
}


@pytest.mark.parametrize("spread", SPREADS)
def test_a_curves_cuts_remove_ever_more_in_even_steps_whatever_the_gates(spread):
    layout = GateLayout(tuple(GatedMatrix(0, role, 200, 200) for role in ("q", "o")), 4, 4)
    means = SPREADS[spread](np.random.default_rng(0), layout.num_gates).astype(np.float32)
    cuts = curve_cuts(layout, LAW, means, 20)
    removed = [
        removal(layout, gates_to_prune(layout, LAW, means, cut)).removed_weights_fraction
        for cut in cuts
    ]
    steps = np.diff(removed)
    assert len(cuts) == len(set(cuts)) == 20 and cuts[0] == AS_TRAINED
    assert steps.min() > 0 and steps.max() < 2.5 * (removed[-1] - removed[0]) / 19
    assert removed[-1] >= CURVE_END - 0.01


def test_a_curve_takes_thresholds_where_they_tell_gates_apart():
    layout = GateLayout((GatedMatrix(0, "q", 200, 200),), 4, 4)
    means = np.random.default_rng(0).uniform(-0.4, 0.4, layout.num_gates).astype(np.float32)
    assert all(cut.threshold is not None for cut in curve_cuts(layout, LAW, means))


def test_points_are_kept_in_order_and_replaced_at_the_same_cut(runs_dir):
    run = result(runs_dir, 0.8)
    keep_points(run, [{"remove": 0.4, "threshold": None, **SCORED}])
    keep_points(run, [{"remove": None, "threshold": 0.5, **SCORED}])
    keep_points(run, [{"remove": 0.2, **SCORED}, {"remove": 0.4, **SCORED, "score": 0.7}])
    assert [(p["remove"], p["score"]) for p in read_points(run)] == [(0.2, 0.8), (0.4, 0.7)]
    assert [p["threshold"] for p in read_thresholds(run)] == [0.5]


@pytest.mark.parametrize(
    "content",
    [
        {"format_version": 2, "points": []},
        {"format_version": 1, "thresholds": {}},
        {"format_version": 1, "thresholds": [{"threshold": 0.1, "score": "good"}]},
        {"format_version": 1, "points": [{"threshold": 0.1, **SCORED}]},
    ],
)
def test_a_damaged_file_is_said_and_never_written_over(runs_dir, content):
    run = result(runs_dir, 0.8)
    (run.path / CURVE_FILE).write_text(json.dumps(content))
    for act in (read_points, read_thresholds, lambda r: keep_points(r, [{"remove": 0, **SCORED}])):
        with pytest.raises(RunError, match="damaged"):
            act(run)
    assert json.loads((run.path / CURVE_FILE).read_text()) == content


@given(st.sampled_from([Cut(remove=0.2), Cut(remove=0.6), Cut(threshold=0.4)]), st.integers(0, 99))
def test_a_cut_snapshot_has_just_the_cuts_gates_closed(cut, seed):
    means = np.random.default_rng(seed).uniform(-1, 1, LAYOUT.num_gates).astype(np.float32)
    for law in LAWS.values():
        snapshot = Snapshot(3, LAYOUT, law, means)
        closed = gates_to_prune(LAYOUT, law, means, cut)
        assert (cut_snapshot(snapshot, cut).closed == closed).all()
