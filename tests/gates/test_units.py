"""What a gate stands for: which rows and columns go with it, and what is counted."""

import json

import numpy as np
import pytest

from finegates.errors import SpecError
from finegates.gates.layout import GateLayout
from finegates.gates.removal import (
    gates_to_close,
    gates_up_to,
    open_counts,
    removal,
    removed_by_matrix,
)
from finegates.gates.units import MATRICES, PRESETS, UNITS, chosen_units
from finegates.models.architectures import layout_of_config

CONFIG = {
    "model_type": "bert", "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
    "num_attention_heads": 4,
}  # fmt: skip
OF_THE_MODEL = {"hidden": 16}
OF_A_LAYER = {"neurons": 32, "values": 16, "pairs": 16, "heads": 4, "reads": 32, "writes": 32,
              "sublayers": 2}  # fmt: skip


def layout_of(*units, **changes):
    return layout_of_config(CONFIG | changes, units=units)


def closed_dimensions(layout, *names):
    """Names of sides -> which of their rows or columns go, where these gates are closed."""
    closed = np.zeros(layout.num_gates, dtype=bool)
    for name, number in names:
        closed[layout.vectors[layout.places[name]].start + number] = True
    spread = layout.spread(closed)
    gone = {side.name: np.flatnonzero(spread[side.slice]).tolist() for side in layout.sides}
    return {name: places for name, places in gone.items() if places}


@pytest.mark.parametrize("unit", UNITS)
def test_every_unit_has_its_gates_in_each_layer_and_survives_json(unit):
    layout = layout_of(unit)
    assert layout.num_gates == OF_THE_MODEL.get(unit) or 2 * OF_A_LAYER[unit]
    again = GateLayout.from_dict(json.loads(json.dumps(layout.to_dict())))
    assert again == layout and again.vectors == layout.vectors
    assert all(v.name.count(".") == 2 for v in layout.vectors)


def test_a_structure_takes_all_that_goes_with_it():
    assert closed_dimensions(layout_of("neurons"), ("1.neurons.whole", 5)) == {
        "1.intermediate.out": [5], "1.output.in": [5],
    }  # fmt: skip
    assert closed_dimensions(layout_of("heads"), ("0.heads.whole", 1)) == {
        f"0.{name}": [4, 5, 6, 7] for name in ("q.out", "k.out", "v.out", "o.in")
    }
    assert closed_dimensions(layout_of("reads"), ("0.reads.attention", 3)) == {
        "0.q.in": [3], "0.k.in": [3], "0.v.in": [3],
    }  # fmt: skip
    gone = closed_dimensions(layout_of("sublayers", "neurons"), ("0.sublayers.ffn", 0))
    assert gone == {"0.intermediate.out": [*range(32)], "0.output.out": [*range(16)]}


def test_heads_that_share_keys_and_values_share_their_gates():
    layout = layout_of("values", "pairs", num_key_value_heads=2)
    gone = closed_dimensions(layout, ("0.values.whole", 5), ("0.pairs.whole", 1))
    assert gone == {"0.v.out": [5], "0.o.in": [9, 13], "0.k.out": [1], "0.q.out": [1, 5]}
    heads = layout_of("heads", num_key_value_heads=2)
    gone = closed_dimensions(heads, ("0.heads.whole", 1))
    assert gone["0.q.out"] == gone["0.o.in"] == [*range(8, 16)] and gone["0.k.out"] == [4, 5, 6, 7]


def test_a_row_with_several_gates_is_open_if_all_are_and_worth_their_product():
    layout = layout_of("neurons", "sublayers")
    values = np.full(layout.num_gates, 0.5, dtype=np.float32)
    (row,) = (side for side in layout.sides if side.name == "0.intermediate.out")
    assert (layout.spread(values)[row.slice] == 0.25).all()
    closed = np.zeros(layout.num_gates, dtype=bool)
    closed[layout.vectors[layout.places["0.sublayers.ffn"]].start] = True
    assert layout.spread(closed)[row.slice].all()


def test_gates_multiply_in_one_place_only():
    layout = layout_of("neurons", "heads", "sublayers")
    applied = {
        f"{side.matrix.role}.{side.side}"
        for side in layout.sides
        if layout.applied_place(side.matrix, side.side) is not None
    }
    assert applied == {"output.in", "o.in", "o.out", "output.out"}


@pytest.mark.parametrize("units", [*[(unit,) for unit in UNITS], *PRESETS.values(), UNITS])
@pytest.mark.parametrize("asked", [0.0, 0.2, 0.4, 0.6])
def test_a_budget_is_met_to_the_coarsest_gate(units, asked):
    layout = layout_of(*units)
    means = np.random.default_rng(0).uniform(size=layout.num_gates)
    closed = gates_to_close(layout, means, asked)
    found = removal(layout, closed)
    steps = [
        removal(layout, np.arange(layout.num_gates) == gate).removed_weights_fraction
        for gate in range(layout.num_gates)
    ]
    most = 1 - float(np.prod([1 - max(steps)]))
    reachable = removal(layout, np.ones(layout.num_gates, dtype=bool)).removed_weights_fraction
    assert abs(found.removed_weights_fraction - min(asked, reachable)) <= most
    assert open_counts(layout, closed).sum() == (~closed).sum()
    weights = np.array([m.num_weights for m in layout.matrices])
    by_matrix = removed_by_matrix(layout, closed)
    assert (by_matrix * weights).sum() / weights.sum() == pytest.approx(
        found.removed_weights_fraction
    )


def test_presets_and_lists_and_what_is_refused():
    assert chosen_units(["structures"]) == ("neurons", "values", "pairs", "reads", "writes")
    assert chosen_units(["heads", "plain"]) == ("neurons", "heads")
    assert chosen_units([MATRICES]) == (MATRICES,)
    for wrong, said in (
        (["matrices", "heads"], "'matrices' alone"),
        ([], "at least one"),
        (["head"], "Unknown gate unit 'head'"),
    ):
        with pytest.raises(SpecError, match=said):
            chosen_units(wrong)
    with pytest.raises(SpecError, match="whole structures, but there is no gates on k, v"):
        layout_of_config(CONFIG, ("q", "o", "intermediate", "output"), units=["heads"])
    with pytest.raises(SpecError, match="gate_sides 'in'"):
        layout_of_config(CONFIG, sides="in", units=["neurons"])


@pytest.mark.parametrize("units", [("plain",), ("neurons",), ("structures",), (MATRICES,)])
@pytest.mark.parametrize("asked", [0.0, 0.25, 0.5, 0.9])
def test_in_a_uniform_layout_every_layer_keeps_as_many_of_each_kind(units, asked):
    layout = layout_of_config(CONFIG, units=units, uniform=True)
    assert GateLayout.from_dict(json.loads(json.dumps(layout.to_dict()))) == layout
    means = np.random.default_rng(1).normal(size=layout.num_gates)
    for closed in (gates_to_close(layout, means, asked), gates_up_to(layout, means, asked)):
        left: dict[tuple[str, str], set[int]] = {}
        for vector, number in zip(layout.vectors, open_counts(layout, closed), strict=True):
            left.setdefault((vector.kind, vector.side), set()).add(int(number))
        assert all(len(numbers) == 1 for numbers in left.values()), left
    for vector in layout.vectors:  # which ones differs: of each layer the lowest
        ours = gates_to_close(layout, means, asked)[vector.slice]
        if ours.any() and not ours.all():
            assert means[vector.slice][ours].max() < means[vector.slice][~ours].min()


def test_a_uniform_budget_is_met_to_a_gate_of_each_layer():
    layout = layout_of_config(CONFIG, units=["neurons"], uniform=True)
    means = np.random.default_rng(1).normal(size=layout.num_gates)
    for asked in np.linspace(0, 0.45, 10):  # the feed-forward is half of the weights
        found = removal(layout, gates_to_close(layout, means, asked)).removed_weights_fraction
        assert abs(found - asked) <= 2 * 2 * 16 / layout.num_gated_weights / 2 + 1e-9


def test_what_is_closed_stays_closed_at_threshold_nought():
    layout = layout_of_config(CONFIG, units=["plain"], uniform=True)
    values = np.random.default_rng(1).uniform(0.1, 1, layout.num_gates)
    closed = gates_to_close(layout, values, 0.4)
    assert (gates_up_to(layout, np.where(closed, 0.0, values), 0.0) == closed).all()


@pytest.mark.parametrize("uniform", [False, True])
@pytest.mark.parametrize("units", [("neurons",), ("structures",), ("plain",), (MATRICES,)])
@pytest.mark.parametrize("multiple", [2, 8, 12])
def test_widths_stay_multiples(units, uniform, multiple):
    layout = layout_of_config(CONFIG, units=units, uniform=uniform, multiple=multiple)
    assert GateLayout.from_dict(json.loads(json.dumps(layout.to_dict()))) == layout
    means = np.random.default_rng(1).normal(size=layout.num_gates)
    for closed in (gates_to_close(layout, means, 0.4), gates_up_to(layout, means, 0.1)):
        assert closed.any() and not closed.all()
        for vector in layout.vectors:
            for start, end in layout.widths_of(vector):
                ours = closed[vector.slice][start:end]
                left = (~ours).sum()
                assert left % multiple == 0 or left == end - start, vector.name
                if 0 < ours.sum() < end - start:  # of each width the lowest
                    values = means[vector.slice][start:end]
                    assert values[ours].max() < values[~ours].min()
    counts = [open_counts(layout, gates_to_close(layout, means, asked)) for asked in (0.2, 0.6)]
    assert (counts[1] <= counts[0]).all()
    if uniform:
        for kind in {(v.kind, v.side) for v in layout.vectors}:
            same = [n for v, n in zip(layout.vectors, counts[0], strict=True)
                    if (v.kind, v.side) == kind]  # fmt: skip
            assert len({*same}) == 1


def test_heads_are_no_width():
    layout = layout_of_config(CONFIG, units=["heads"], multiple=8)
    means = np.random.default_rng(1).normal(size=layout.num_gates)
    assert gates_to_close(layout, means, 0.125).sum() == 2, "one of eight heads is 1/16 of all"
