"""The Dimensions page of a decoder: rotary pairs, grouped heads, three feed-forward matrices."""

import numpy as np
import pytest

from app.charts.maps import MANY_LAYERS, SMALLEST_ROW, head_map
from app.charts.maps import gate_map as draw
from app.dimensions.choice import VIEWS
from app.dimensions.map_frames import PARTS, SIDE_NAMES, as_percent, gate_map, meaning
from app.snapshots.frames import removed_frame, survivors
from app.snapshots.view import GateView
from finegates.gates.laws import GaussianLaw
from finegates.gates.snapshots import Snapshot
from tests.app.components import heat_maps
from tests.app.fake_runs import LLAMA, TINY, Size, make_layout, make_run
from tests.app.test_dimensions_page import maps
from tests.app.test_pages import texts
from tests.toy_models import save_toy_decoder

WIDTH, HEADS, GROUPS = 12, LLAMA.heads, LLAMA.key_value_heads
"""Of a head; how many there are, and of keys and values."""


def gates_of(*units: str, size: Size = LLAMA) -> GateView:
    layout = make_layout(size, units or ("auto",))
    means = np.random.default_rng(0).uniform(-0.8, 0.8, layout.num_gates).astype(np.float32)
    return GateView("run", "seed 0", Snapshot(3, layout, GaussianLaw(), means))


def shown(gates: GateView, part: str, side: str = "survives") -> np.ndarray:
    return gate_map(gates, part, side).cells


def of_layer(gates: GateView, name: str) -> np.ndarray:
    return as_percent(gates.layout.split(gates.values)[name])


def test_a_column_is_a_rotary_pair_of_a_key_value_head():
    gates = gates_of()
    keys = gate_map(gates, "k", "survives")
    assert np.array_equal(keys.cells[3], of_layer(gates, "3.pairs.whole"))
    assert keys.heads == ((0, 6), (6, 12)) and keys.served == 2 and keys.word == "pair"
    queries = gate_map(gates, "q", "survives")
    groups = keys.cells.reshape(LLAMA.layers, GROUPS, 1, WIDTH // 2).repeat(2, axis=2)
    assert np.array_equal(queries.cells.reshape(groups.shape), groups)
    assert queries.heads[-1] == (18, 24) and queries.served == 1
    assert "turn by one angle" in meaning(gates.layout, "k", "out")


def test_values_are_key_value_heads():
    gates = gates_of()
    values = gate_map(gates, "v", "survives")
    assert np.array_equal(values.cells[2], of_layer(gates, "2.values.whole"))
    assert values.heads == ((0, 12), (12, 24)) and values.served == 2


@pytest.mark.parametrize(("size", "units"), [(LLAMA, ()), (TINY, ("neurons", "values"))])
def test_a_gate_of_several_matrices_is_shown_once(size, units):
    gates = gates_of(*units, size=size)
    assert np.array_equal(shown(gates, "ffn")[1], of_layer(gates, "1.neurons.whole"))


def test_a_neuron_with_three_gates_has_their_product():
    gates = gates_of("matrices")
    values = gates.layout.split(gates.values)
    product = values["1.gate.out"] * values["1.up.out"] * values["1.down.in"]
    assert np.array_equal(shown(gates, "ffn")[1], as_percent(product))
    both = values["1.gate.in"] * values["1.up.in"]
    assert np.array_equal(shown(gates, "ffn", "in")[1], as_percent(both))
    assert np.array_equal(shown(gates, "ffn", "out")[1], as_percent(values["1.down.out"]))
    assert shown(gates, "k").shape[1] == GROUPS * WIDTH  # each row has a gate of its own
    assert "FFN gate and FFN up" in meaning(gates.layout, "ffn", "in")
    assert meaning(gates.layout, "ffn", "out").endswith("written to FFN down.")


def test_wavelengths_are_said_of_what_is_rotated():
    gates, waves = gates_of(), np.tile(np.array([6.28, 44.0, 900.2, 1e4, 2e5, np.nan]), (12, 1))
    waves[5] *= 2
    keys = gate_map(gates, "k", "survives", waves)
    assert keys.notes[0][:3] == tuple(f"turns once in {n} tokens" for n in ("6.3", "44", "900"))
    assert keys.notes[1][1] == "turns once in 88 tokens" and len(keys.notes) == 2
    assert keys.notes[0][5] == "this layer rotates nothing"
    assert keys.note_of_row == (0,) * 5 + (1,) + (0,) * 6
    assert not gate_map(gates, "v", "survives", waves).notes
    assert not gate_map(gates, "k", "in", waves)


def test_a_chosen_head_opens_the_keys_of_its_group():
    spec = draw(gate_map(gates_of(), "k", "survives"), "value", True, False, head=(3, 3))
    assert spec["window"] == (6, 12) and spec["chosen"] == [3, None]
    assert spec["head"] == "key-value head" and spec["words"] == ["layer", "pair"]
    assert "window" not in draw(gate_map(gates_of(), "k", "survives"), "value", 1, 0, head=(3, 4))


@pytest.mark.parametrize("layers", [12, 30, 80])
def test_many_layers_have_lower_rows_and_every_fifth_is_named(layers):
    gates = gates_of(size=Size(layers, 48, 96, 4, 2, "llama"))
    share = np.ones((layers, 4))
    for spec in (
        draw(gate_map(gates, "v", "survives"), "value", False, False),
        head_map(range(layers), share, share == 0, False),
    ):
        assert spec["labels_apart"] == (5 if layers > MANY_LAYERS else 1)
        assert spec["row_height"] >= SMALLEST_ROW and spec["row_height"] * layers <= 640


def test_matrices_and_structures_of_a_decoder_have_names():
    gates = gates_of()
    assert {*survivors(gates)["matrix"]} == {"Neurons", "Values", "Rotary pairs"}
    assert {"FFN gate", "FFN up", "FFN down"} < {*removed_frame(gates)["matrix"]}
    assert "Query-key pairs" in {*survivors(gates_of("pairs", size=TINY))["matrix"]}


@pytest.mark.parametrize("units", [("auto",), ("matrices",), ("structures", "heads", "sublayers")])
def test_every_view_of_a_decoder_opens(visit, runs_dir, units):
    runs = [make_run(runs_dir, size=LLAMA, gate_units=units, seed=seed) for seed in range(2)]
    for view in VIEWS:
        app = visit("dimensions", run=runs[0].id, show=view, against=[runs[1].id])
        assert not app.exception and not app.error, view
    for side in SIDE_NAMES:
        app = visit("dimensions", run=runs[0].id, side=side)
        assert not app.exception
    assert len(heat_maps(visit("dimensions", run=runs[0].id))) == 1 + len(PARTS)
    for page in ("live", "prune", "compare", "runs"):
        assert not visit(page, run=runs[0].id).exception, page


def test_the_page_knows_how_fast_the_pairs_of_a_models_folder_turn(visit, runs_dir, tmp_path):
    folder = save_toy_decoder(tmp_path / "llama", head_dim=12, num_hidden_layers=12)
    run = make_run(runs_dir, size=LLAMA, model=str(folder))
    app = visit("dimensions", run=run.id, role="k")
    (keys,) = maps(app)
    assert len(keys["notes"][0]) == 6 and keys["note_of_row"][:2] == [0, 0]
    assert keys["notes"][0][0] == "turns once in 6.3 tokens"
    assert "2 key-value heads, each of 2 query heads" in texts(app)


@pytest.mark.parametrize("change", [{"num_hidden_layers": 2}, {"head_dim": 6}])
def test_a_models_folder_that_has_changed_since_says_nothing(visit, runs_dir, tmp_path, change):
    sizes = {"head_dim": 12, "num_hidden_layers": 12} | change
    run = make_run(runs_dir, size=LLAMA, model=str(save_toy_decoder(tmp_path / "llama", **sizes)))
    (keys,) = maps(visit("dimensions", run=run.id, role="k"))
    assert not keys["notes"]
