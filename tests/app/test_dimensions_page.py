"""Maps of what survives, the residual stream, and several runs against each other."""

import base64
import csv
import io
import json
import shutil
from urllib.parse import parse_qs

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app.charts import layers
from app.charts.maps import by_layers_keeping, by_value, head_map
from app.charts.maps import gate_map as draw
from app.charts.stream import keeping_strip
from app.dimensions import playing
from app.dimensions.choice import VIEWS
from app.dimensions.map_frames import (
    ORDERS,
    PARTS,
    SIDE_NAMES,
    agreement_map,
    as_percent,
    difference_map,
    gate_map,
    stream_map,
)
from app.dimensions.mask_files import file_name, masks_csv, masks_npz
from app.dimensions.overlap_frames import by_kind, chosen_sets, pair_table, pairs_of, square
from app.snapshots.frames import removed_frame, survivors
from app.snapshots.view import GateView
from app.text import in_ranges
from finegates.gates.laws import LAWS, PROJECTED, GaussianLaw
from finegates.gates.removal import open_counts
from finegates.gates.snapshots import Snapshot, save_snapshot, snapshot_path
from finegates.gates.stream import stream_use
from tests.app.components import heat_maps
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


def maps(app: AppTest) -> list[dict]:
    """Maps of dimensions; that of the heads, which can be clicked, is not among them."""
    return [spec for spec in heat_maps(app) if not spec["click"]]


def decoded(text: str, kind: str = "u1") -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), kind)


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def test_every_part_and_side_is_drawn(visit, runs_dir):
    run = make_run(runs_dir)
    for part in ("all", *PARTS):
        for side in SIDE_NAMES:
            app = visit("dimensions", run=run.id, role=part, side=side)
            assert not app.exception
            assert len(maps(app)) == (len(PARTS) if part == "all" else 1)


def test_a_deep_link_opens_the_run_at_its_step(visit, runs_dir):
    run, _ = make_run(runs_dir), make_run(runs_dir)
    step = run.snapshot_steps()[1]
    app = visit("dimensions", run=run.id, step=str(step), role="k", color="open / closed")
    assert app.selectbox(key="run_box").value == run.id
    assert app.metric[0].value == str(step)
    assert len(maps(app)) == 1


def test_heads_are_marked_off_and_cells_are_the_gates(visit, runs_dir):
    run = make_run(runs_dir)
    query = maps(visit("dimensions", run=run.id))[0]
    assert query["heads"] == [[0, 8], [8, 16]] and "window" not in query
    snapshot = run.snapshot()
    first = snapshot.layout.split(snapshot.values)["0.q.out"]
    assert np.array_equal(decoded(query["values"])[:16], as_percent(first))


def test_colour_bars_end_where_the_colours_do(snapshot):
    for color in ("value", "share"):
        spec = draw(gate_map(snapshot, "ffn", "survives"), color, True, False)
        low, high = spec["bar"]["from"], spec["bar"]["to"]
        stops = [at for at, _ in spec["colors"]]
        assert {low, high} <= set(stops) and low == 1  # closed stands apart
        assert high == 100 or spec["bar"]["ends"][1] == "all"


@pytest.mark.parametrize("most", [0.0, 0.013, 0.137, 1.0])
def test_the_bar_of_closing_layers_is_labelled_where_its_colours_end(most):
    frame = pd.DataFrame({"step": [0, 5], "start": [0.0, 5.0], "end": [5.0, 10.0],
                          "layer": [0, 0], "closed": [0.0, most], "gates": [0, 1]})  # fmt: skip
    color = layers.closing(frame, 10).to_dict()["encoding"]["color"]
    low, high = color["scale"]["domain"]
    assert (color["legend"]["values"][0], color["legend"]["values"][-1]) == (low, high)
    assert low == 0 and high == max(most, layers.SMALLEST_RANGE)


def test_sorting_by_value_gives_each_layer_its_own_order(snapshot):
    plain = gate_map(snapshot, "k", "survives")
    ordered = by_value(plain)
    assert (np.diff(ordered.cells.astype(int), axis=1) <= 0).all()
    for layer in range(MINILM.layers):
        assert np.array_equal(plain.cells[layer][ordered.order[layer]], ordered.cells[layer])
        assert sorted(ordered.order[layer]) == list(range(MINILM.hidden))


def test_sorting_by_layers_keeps_dimensions_below_themselves(snapshot):
    plain = gate_map(snapshot, "ffn", "survives")
    ordered = by_layers_keeping(plain)
    assert (np.diff((ordered.cells > 0).sum(axis=0)) <= 0).all()
    assert np.array_equal(plain.cells[:, ordered.order[0]], ordered.cells)
    spec = draw(ordered, "value", True, False)
    assert np.array_equal(decoded(spec["order"], "<u2"), ordered.order[0])


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_is_in_the_address(visit, runs_dir, order):
    app = visit("dimensions", run=make_run(runs_dir).id, order=order)
    assert not app.exception and app.selectbox(key="order").value == order
    assert len(maps(app)) == len(PARTS)


def test_a_head_in_the_address_opens_the_maps_on_its_dimensions(visit, runs_dir):
    app = visit("dimensions", run=make_run(runs_dir).id, head="1.1")
    heads = next(spec for spec in heat_maps(app) if spec["click"])
    assert heads["chosen"] == [1, 1] and "Layer 1, head 1" in texts(app)
    query, *_, neurons = maps(app)
    assert query["window"] == [8, 16] and query["chosen"] == [1, None]
    assert "window" not in neurons
    app.button(key="all_heads").click().run()
    assert "window" not in maps(app)[0]


@pytest.mark.parametrize("head", ["9.0", "0.9", "x.1", "3"])
def test_a_head_that_is_not_there_is_no_choice(visit, runs_dir, head):
    app = visit("dimensions", run=make_run(runs_dir).id, head=head)
    assert not app.exception and "chosen" not in heat_maps(app)[0]


def test_dead_heads_are_crossed_and_counted(visit, runs_dir):
    run = make_run(runs_dir)
    step = run.snapshot_steps()[-1]
    snapshot = run.snapshot(step)
    means = np.ones_like(snapshot.means)
    means[snapshot.layout.vectors[snapshot.layout.places["1.v.out"]].slice][:8] = -9
    dead = Snapshot(step, snapshot.layout, snapshot.law, means)
    save_snapshot(run.path / "gates", dead, full_precision=True)
    app = visit("dimensions", run=run.id)
    heads = heat_maps(app)[0]
    assert heads["marked"] == [2] and (heads["rows"], heads["columns"]) == (2, 2)
    assert "1 of 4" in texts(app) and "layer 1: 0" in texts(app)


def test_shares_of_heads_are_all_or_none_only_where_they_are():
    share = np.array([[0.0, 0.001, 0.999, 1.0]])
    spec = head_map([0], share, share == 0, True)
    assert decoded(spec["values"]).tolist() == [0, 1, 99, 100] and spec["marked"] == [0]


@pytest.mark.parametrize("layers", [1, 2, 24])
def test_the_strip_has_its_own_colours_for_none_and_for_all(layers):
    spec = keeping_strip(np.arange(layers + 1), layers, False)
    colors = dict(spec["colors"])
    assert decoded(spec["values"]).tolist() == list(range(layers + 1))
    assert len({colors[0], colors[1], colors[layers]}) == min(layers + 1, 3)


def test_a_neuron_survives_only_if_both_its_gates_are_open(snapshot):
    values = snapshot.layout.split(snapshot.values)
    for layer in range(MINILM.layers):
        both = (values[f"{layer}.intermediate.out"] > 0) & (values[f"{layer}.output.in"] > 0)
        assert np.array_equal(gate_map(snapshot, "ffn", "survives").cells[layer] > 0, both)


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
    assert np.array_equal(gates.closed, values <= 0.3)
    assert (values[gates.closed] > 0).any() == (law.name != PROJECTED)  # which is 0 or 1 alone
    assert np.array_equal(gates.values[gates.kept], values[gates.kept])
    unchanged = GateView("r", "r", Snapshot(1, layout, law, means))
    assert np.array_equal(unchanged.closed, unchanged.snapshot.closed)


def test_what_only_one_of_two_keeps_is_told_apart():
    first, second = make_gates(0), make_gates(1)
    codes = difference_map(first, second, "v", "out").cells
    one, other = (g.layout.split(g.kept)["0.v.out"] for g in (first, second))
    assert codes[0].tolist() == (one + 2 * other.astype(int)).tolist()
    assert {0, 1, 2, 3} == set(codes.ravel())


def test_two_steps_of_a_run_differ_by_what_was_closed_between(visit, runs_dir):
    run = make_run(runs_dir, target_sparsity=0.4)
    first, *_, last = run.snapshot_steps()
    app = visit("dimensions", run=run.id, show="Difference")
    assert app.selectbox(key="with").value == f"step {first}"
    kept = [~run.snapshot(step).closed for step in (last, first)]
    shown = {label: int(metrics(app)[label].replace(",", "")) for label in metrics(app)
             if label.startswith("Kept")}  # fmt: skip
    assert shown["Kept only by A"] == (kept[0] & ~kept[1]).sum()
    assert shown["Kept only by B"] == (kept[1] & ~kept[0]).sum() > 0
    assert shown["Kept by both"] == (kept[0] & kept[1]).sum()
    assert maps(app)[0]["said"][3] == "kept by both"


def test_a_difference_is_to_the_other_run_if_one_is_chosen(visit, runs_dir):
    runs = [make_run(runs_dir, seed=seed, target_sparsity=0.4) for seed in range(2)]
    app = visit("dimensions", run=runs[0].id, against=[runs[1].id], show="Difference")
    both = sum(~run.snapshot().closed for run in runs)
    assert metrics(app)["Kept by both"] == f"{(both == 2).sum():,}"


def test_a_run_with_one_snapshot_has_no_difference_and_nothing_to_play(visit, runs_dir):
    run = make_run(runs_dir)
    for step in run.snapshot_steps()[:-1]:
        snapshot_path(run.path / "gates", step).unlink()
    app = visit("dimensions", run=run.id, show="Difference")
    assert not app.exception and "one step only" in texts(app)
    assert "play" not in [button.key for button in app.button]


def test_playing_goes_from_the_first_step_to_the_last_and_stops(visit, runs_dir, monkeypatch):
    run = make_run(runs_dir)
    app = visit("dimensions", run=run.id)
    assert app.button(key="play").label == "Play"
    app.button(key="play").click().run()
    assert app.select_slider(key="step").value == run.snapshot_steps()[0]
    assert app.button(key="play").label == "Pause"
    app.run()  # drawn again for another reason, it stays
    assert app.select_slider(key="step").value == run.snapshot_steps()[0]
    monkeypatch.setattr(playing, "SECONDS_A_STEP", 0.0)  # as if each step's time were up
    app.run()
    assert app.select_slider(key="step").value == run.snapshot_steps()[-1]
    assert app.button(key="play").label == "Play" and not app.exception


def test_playing_is_paused_where_it_is(visit, runs_dir):
    run = make_run(runs_dir)
    app = visit("dimensions", run=run.id)
    app.button(key="play").click().run()
    app.button(key="play").click().run()
    assert app.button(key="play").label == "Play"
    assert app.select_slider(key="step").value == run.snapshot_steps()[0]


def test_a_threshold_leads_to_pruning_at_it(visit, runs_dir):
    run = make_run(runs_dir)
    app = visit("dimensions", run=run.id, threshold="0.35")
    links = [link.proto for link in app.get("page_link") if link.proto.label == "Prune at 0.35"]
    (link,) = links
    assert link.page == "prune"
    assert parse_qs(link.query_string) == {
        "run": [run.id], "by": ["Threshold"], "threshold": ["0.35"],
    }  # fmt: skip


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
    app.selectbox(key="run_box").set_value(other.id).run()
    assert not app.exception
    assert int(metrics(app)["Step"]) in other.snapshot_steps()


def test_a_finished_run_without_its_gates_says_so_and_leads_to_one_that_has_them(visit, runs_dir):
    whole, light = make_run(runs_dir), make_run(runs_dir)
    shutil.rmtree(light.path / "gates")
    app = visit("dimensions", run=light.id)
    assert "does not carry its gate values" in texts(app) and "has no gates yet" not in texts(app)
    app.button(key=f"open_{whole.id}").click().run()
    assert app.selectbox(key="run_box").value == whole.id and maps(app)


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
    assert app.get("vega_lite_chart") and len(maps(app)) == len(PARTS)


@pytest.mark.parametrize("role", ["q", "output"])
def test_overlap_of_closed_gates_of_one_matrix_is_in_the_address(visit, runs_dir, role):
    runs = [make_run(runs_dir, seed=seed, target_sparsity=0.4) for seed in range(2)]
    app = visit(
        "dimensions", run=runs[0].id, against=[runs[1].id], show="Runs compared", sets="closed",
        kind=role,
    )  # fmt: skip
    snapshot = runs[1].snapshot(runs[1].snapshot_steps()[-1])
    ours = [v for v in snapshot.layout.vectors if v.kind == role]
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
    full = agreement_map(shown, "k", "out").cells == 100
    name = f"{MINILM.layers - 1}.k.out"
    kept = [gates.layout.split(gates.kept)[name] for gates in shown]
    assert np.array_equal(full[-1], np.all(kept, axis=0))


def test_the_stream_map_is_full_where_all_matrices_of_a_layer_keep_it(snapshot):
    use = stream_use(snapshot.layout, snapshot.kept)
    assert np.array_equal(stream_map(use).cells == 100, use.keeping == 6)


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
