"""Maps of what survives, the residual stream, and several runs against each other."""

import csv
import io
import json
import shutil

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app.charts.maps import gate_map as draw
from app.dimensions.choice import VIEWS
from app.dimensions.map_frames import (
    PARTS,
    SIDE_NAMES,
    agreement_map,
    as_percent,
    gate_map,
    stream_map,
)
from app.dimensions.mask_files import file_name, masks_csv, masks_npz
from app.dimensions.overlap_frames import by_kind, chosen_sets, pair_table, pairs_of, square
from app.snapshots.frames import removed_frame, survivors
from app.snapshots.view import GateView
from app.text import in_ranges
from finegates.gates.laws import LAWS, GaussianLaw
from finegates.gates.removal import open_counts
from finegates.gates.snapshots import Snapshot
from finegates.gates.stream import stream_use
from tests.app.fake_runs import MINILM, TINY, Size, make_layout, make_run
from tests.app.test_pages import texts
from tests.gates.test_overlap import overlap


def make_gates(seed: int = 0, threshold: float = 0.0, size: Size = MINILM) -> GateView:
    layout = make_layout(size)
    means = np.random.default_rng(seed).uniform(-0.8, 0.8, layout.num_gates).astype(np.float32)
    snapshot = Snapshot(3, layout, GaussianLaw(), means)
    return GateView(f"run-{seed}", f"seed {seed}", snapshot, threshold)


@pytest.fixture(scope="module")
def snapshot() -> GateView:
    return make_gates()


def specs(app: AppTest) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


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


def test_heads_are_parted_by_lines_and_numbered(visit, runs_dir):
    run = make_run(runs_dir)
    heatmap, lines, numbers = specs(visit("dimensions", run=run.id))[0]["data"]
    assert heatmap["type"] == "heatmap" and lines["x"] == [7.5, 7.5, None]
    assert numbers["text"] == ["head 0", "1"] and numbers["x"] == [3.5, 11.5]


def test_a_map_without_heads_is_one_trace(snapshot):
    assert (
        len(draw(gate_map(snapshot, "ffn", "survives"), "value", True, "#000", False)["data"]) == 1
    )


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


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_opens_for_one_run_and_for_three(visit, runs_dir, view):
    runs = [make_run(runs_dir, seed=seed, target_sparsity=0.4) for seed in range(3)]
    alone = visit("dimensions", run=runs[0].id, show=view)
    others = visit("dimensions", run=runs[0].id, show=view, against=[r.id for r in runs[1:]])
    for app in (alone, others):
        assert not app.exception and not app.error
        assert app.segmented_control(key="show").value == view


def test_bars_show_each_side_of_every_matrix(visit, runs_dir):
    run = make_run(runs_dir)
    app = visit("dimensions", run=run.id, show="Survivors")
    columns, rows = (json.loads(c.proto.spec) for c in app.get("vega_lite_chart")[:2])
    for bars in (columns, rows):
        assert bars["mark"]["type"] == "bar"
        assert len(bars["encoding"]["color"]["scale"]["domain"]) == 6


@pytest.mark.parametrize("law", LAWS.values(), ids=list(LAWS))
def test_a_threshold_closes_gates_up_to_it_and_leaves_the_others(law):
    layout = make_layout(TINY)
    means = np.linspace(-4, 4, layout.num_gates).astype(np.float32)
    values = law.value(means)
    gates = GateView("r", "r", Snapshot(1, layout, law, means), 0.3)
    assert np.array_equal(gates.closed, values <= 0.3) and (values[gates.closed] > 0).any()
    assert np.array_equal(gates.values[gates.kept], values[gates.kept])
    unchanged = GateView("r", "r", Snapshot(1, layout, law, means))
    assert np.array_equal(unchanged.closed, unchanged.snapshot.closed)


def test_a_link_with_a_threshold_closes_more(visit, runs_dir):
    run = make_run(runs_dir, target_sparsity=0.4)
    plain, link = (visit("dimensions", run=run.id, **more) for more in ({}, {"threshold": "0.9"}))
    assert link.slider(key="threshold").value == 0.9

    def number(app: AppTest) -> int:
        return int(metrics(app)["Gates open"].replace(",", ""))

    assert number(link) < number(plain)


def test_the_step_slider_reads_only_the_snapshot_that_is_asked_for(visit, runs_dir):
    run = make_run(runs_dir)
    first, *_, last = run.snapshot_steps()
    for path in (run.path / "gates").iterdir():
        if int(path.stem) not in (first, last):
            path.write_bytes(b"nothing")
    app = visit("dimensions", run=run.id)
    assert metrics(app)["Step"] == str(last) and not app.error
    app.select_slider(key="step").set_value(first).run()
    assert metrics(app)["Step"] == str(first) and not app.error


def test_another_run_is_chosen_though_it_lacks_the_step(visit, runs_dir):
    one, other = make_run(runs_dir, total_steps=190), make_run(runs_dir, total_steps=77)
    app = visit("dimensions", run=one.id, step=str(one.snapshot_steps()[1]))
    app.selectbox(key="run").set_value(other.id).run()
    assert not app.exception
    assert int(metrics(app)["Step"]) in other.snapshot_steps()


def test_a_finished_run_without_its_gates_says_so_and_leads_to_one_that_has_them(visit, runs_dir):
    whole, light = make_run(runs_dir), make_run(runs_dir)
    shutil.rmtree(light.path / "gates")
    app = visit("dimensions", run=light.id)
    assert "does not carry its gate values" in texts(app) and "has no gates yet" not in texts(app)
    app.button(key=f"open_{whole.id}").click().run()
    assert app.selectbox(key="run").value == whole.id and app.get("plotly_chart")


def test_a_run_that_has_begun_has_no_gates_yet(visit, runs_dir):
    run = make_run(runs_dir, "starting", progress=0)
    assert "has no gates yet" in texts(visit("dimensions", run=run.id))


def test_compared_runs_stand_beside_chance(visit, runs_dir):
    runs = [make_run(runs_dir, seed=s, size=MINILM, target_sparsity=0.4) for s in range(2)]
    same = shutil.copytree(runs[0].path, runs_dir / f"{runs[0].id}-copy")
    address = {"run": runs[0].id, "against": [runs[1].id, same.name], "show": "Runs compared"}
    app = visit("dimensions", **address)
    table = app.dataframe[0].value
    equal = table[table["jaccard"] == 1]
    assert len(table) == 3 and len(equal) == 1 and equal["above"].iloc[0] == 100
    assert (table["chance"] < table["jaccard"]).all()
    assert app.get("vega_lite_chart") and len(app.get("plotly_chart")) == len(PARTS)


@pytest.mark.parametrize("role", ["q", "output"])
def test_overlap_of_closed_gates_of_one_matrix_is_in_the_address(visit, runs_dir, role):
    runs = [make_run(runs_dir, seed=seed, target_sparsity=0.4) for seed in range(2)]
    app = visit(
        "dimensions", run=runs[0].id, against=[runs[1].id], show="Runs compared", sets="closed",
        kind=role,
    )  # fmt: skip
    snapshot = runs[1].snapshot(runs[1].snapshot_steps()[-1])
    ours = [v for v in snapshot.layout.vectors if v.matrix.role == role]
    closed = sum(int(snapshot.closed[v.slice].sum()) for v in ours)
    assert app.dataframe[0].value["second"].tolist() == [closed]


def test_a_run_of_another_layout_is_left_out_with_a_sentence(visit, runs_dir):
    run, other = make_run(runs_dir), make_run(runs_dir, size=Size(2, 32, 64, 2))
    app = visit("dimensions", run=run.id, against=[other.id], show="Runs compared")
    assert not app.exception
    assert "can't be compared" in app.error[0].value and other.id in app.error[0].value


def test_a_run_without_gates_or_unknown_is_told(visit, runs_dir):
    run, dense = make_run(runs_dir), make_run(runs_dir, method="full")
    app = visit("dimensions", run=run.id, against=[dense.id, "no-such-run"])
    assert not app.exception and len(app.error) == 2
    assert "no-such-run" in texts(app) and dense.id in texts(app)


def test_runs_of_different_models_are_warned_of(visit, runs_dir):
    runs = [make_run(runs_dir), make_run(runs_dir, model="some/other")]
    app = visit("dimensions", run=runs[0].id, against=[runs[1].id])
    assert "different models" in app.warning[0].value


def test_frames_of_pairs_say_what_the_library_says():
    shown = [make_gates(seed) for seed in range(3)]
    layout, names = shown[0].layout, [gates.name for gates in shown]
    pairs = pairs_of(layout, chosen_sets(shown, "survivors"))
    table = pair_table(layout, pairs, names, None)
    found = overlap(layout, shown[0].kept, shown[2].kept)
    row = table[(table["one"] == "seed 0") & (table["other"] == "seed 2")].iloc[0]
    assert (row["both"], row["jaccard"], row["z"]) == (found.both, found.jaccard, found.z)
    assert len(square(table, names)) == 6
    kinds = by_kind(layout, pairs)
    assert len(kinds) == 3 * 12 and kinds["above"].abs().max() < 0.2


def test_dimensions_that_all_runs_keep_are_the_only_full_ones():
    shown = [make_gates(seed) for seed in range(3)]
    full = agreement_map(shown, "k", "out").percent == 100
    name = f"{MINILM.layers - 1}.k.out"
    kept = [gates.layout.split(gates.kept)[name] for gates in shown]
    assert np.array_equal(full[-1], np.all(kept, axis=0))


def test_the_stream_map_is_full_where_all_matrices_of_a_layer_keep_it(snapshot):
    use = stream_use(snapshot.layout, snapshot.kept)
    assert np.array_equal(stream_map(use).percent == 100, use.keeping == 6)


def test_exported_masks_hold_what_is_kept_by_vector_name():
    gates = make_gates(threshold=0.2, size=TINY)
    with np.load(io.BytesIO(masks_npz([gates]))) as masks:
        assert set(masks) == {vector.name for vector in gates.layout.vectors}
        for name, part in gates.layout.split(gates.values).items():
            assert masks[name].dtype == bool and np.array_equal(masks[name], part > 0)
    rows = list(csv.DictReader(io.StringIO(masks_csv([gates]))))
    assert [row["kept"] == "1" for row in rows] == gates.kept.tolist()
    last = {key: rows[-1][key] for key in ("vector", "layer", "matrix", "side", "dimension")}
    assert list(last.values()) == ["1.output.out", "1", "output", "out", "15"]
    assert file_name([gates], "npz") == "masks-run-0-step3-above-0.2.npz"


def test_masks_of_several_runs_stand_beside_each_other():
    shown = [make_gates(seed, size=TINY) for seed in range(2)]
    with np.load(io.BytesIO(masks_npz(shown))) as masks:
        assert np.array_equal(masks["run-1/0.q.in"], shown[1].kept[: TINY.hidden])
    rows = list(csv.DictReader(io.StringIO(masks_csv(shown))))
    assert [row["run-1"] == "1" for row in rows] == shown[1].kept.tolist()


def test_masks_are_offered_for_all_runs_that_are_shown(visit, runs_dir):
    runs = [make_run(runs_dir, seed=seed) for seed in range(2)]
    app = visit("dimensions", run=runs[0].id, against=[runs[1].id])
    assert [button.label for button in app.get("download_button")] == [".npz", ".csv"]
    assert "these 2 runs" in texts(app)


@pytest.mark.parametrize(
    ("numbers", "words"), [([], "none"), ([3], "3"), ([0, 1, 2, 7, 9, 10], "0-2, 7, 9-10")]
)
def test_many_numbers_are_told_as_ranges(numbers, words):
    assert in_ranges(numbers) == words
