"""Maps of what survives."""

import json

import numpy as np
import pytest
from fake_runs import MINILM, make_layout, make_run

from app.gate_frames import removed_frame, survivors
from app.gate_maps import PARTS, SIDE_NAMES, as_percent, gate_map
from finegates.accounting import open_counts
from finegates.laws import GaussianLaw
from finegates.snapshots import Snapshot


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    layout = make_layout(MINILM)
    means = np.random.default_rng(0).uniform(-0.8, 0.8, layout.num_gates).astype(np.float32)
    return Snapshot(3, layout, GaussianLaw(), means)


def test_every_part_and_side_is_drawn(visit, runs_dir):
    run = make_run(runs_dir)
    for part in ("all", *PARTS):
        for side in SIDE_NAMES:
            app = visit("dimensions", run=run.id, role=part, side=side)
            assert not app.exception
            assert len(app.get("plotly_chart")) == (len(PARTS) if part == "all" else 1)


def test_a_deep_link_opens_the_run_at_its_step(visit, runs_dir):
    run, _ = make_run(runs_dir), make_run(runs_dir)
    step = run.snapshot_steps()[1]
    app = visit("dimensions", run=run.id, step=str(step), role="k", color="open / closed")
    assert app.selectbox(key="run").value == run.id
    assert app.metric[0].value == str(step)
    assert len(app.get("plotly_chart")) == 1


def test_a_run_with_gates_on_one_role_says_where_there_are_none(visit, runs_dir):
    run = make_run(runs_dir)
    app = visit("dimensions", run=run.id)
    spec = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert spec["data"][0]["type"] == "heatmap" and len(spec["layout"]["shapes"]) == 1


def test_a_neuron_survives_only_if_both_its_gates_are_open(snapshot):
    values = snapshot.layout.split(snapshot.values)
    for layer in range(MINILM.layers):
        both = (values[f"{layer}.intermediate.out"] > 0) & (values[f"{layer}.output.in"] > 0)
        assert np.array_equal(gate_map(snapshot, "ffn", "survives").percent[layer] > 0, both)


def test_zero_percent_is_closed_and_nothing_else():
    values = np.array([0.0, 1e-6, 0.004, 0.5, 0.9999, 1.0])
    assert as_percent(values).tolist() == [0, 1, 1, 50, 99, 100]


def test_heads_are_marked_where_dimensions_run_over_heads(snapshot):
    with_heads = {(p, s) for p in PARTS for s in SIDE_NAMES if gate_map(snapshot, p, s).heads}
    assert with_heads == {
        *((p, s) for p in ("q", "k", "v") for s in ("survives", "out")),
        ("o", "survives"),
        ("o", "in"),
    }


def test_tables_count_as_the_library_does(snapshot):
    closed = snapshot.values <= 0
    assert survivors(snapshot)["open"].tolist() == open_counts(snapshot.layout, closed).tolist()
    assert removed_frame(snapshot)["removed"].between(0, 1).all()
