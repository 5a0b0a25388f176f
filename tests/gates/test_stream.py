"""Dimensions of the residual stream, counted over all matrices that read or write them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finegates.gates.layout import ROLES, GatedMatrix, GateLayout
from finegates.gates.stream import READS, WRITES, stream_use

HIDDEN, FFN, LAYERS = 6, 10, 3


def make_layout(sides: tuple[str, ...] = ("in", "out"), hidden: int = HIDDEN) -> GateLayout:
    matrices = []
    for layer in range(LAYERS):
        matrices += [GatedMatrix(layer, r, hidden, hidden, sides) for r in ("q", "k", "v", "o")]
        matrices.append(GatedMatrix(layer, "intermediate", hidden, FFN, sides))
        matrices.append(GatedMatrix(layer, "output", FFN, hidden, sides))
    return GateLayout(tuple(matrices), 2, 2)


LAYOUT = make_layout()


@given(st.lists(st.booleans(), min_size=LAYOUT.num_gates, max_size=LAYOUT.num_gates).map(np.array))
def test_counts_are_those_of_the_vectors_of_the_stream(kept):
    use, parts = stream_use(LAYOUT, kept), LAYOUT.split(kept)
    for layer in range(LAYERS):
        by_hand = sum(
            parts[f"{layer}.{r}.{s}"].astype(int) for r, s in READS + WRITES if r in ROLES
        )
        assert use.keeping[layer].tolist() == by_hand.tolist()
    assert set(use.every_matrix) <= set(use.every_layer)
    assert not set(use.every_layer) & set(use.none)
    assert use.num_layers_keeping[use.every_layer].tolist() == [LAYERS] * len(use.every_layer)
    assert not use.num_layers_keeping[use.none].any()


def test_a_dimension_that_one_matrix_reads_is_neither_kept_by_all_nor_by_none():
    kept = np.zeros(LAYOUT.num_gates, dtype=bool)
    kept[LAYOUT.vectors[LAYOUT.places["1.v.in"]].start + 4] = True
    use = stream_use(LAYOUT, kept)
    assert use.none.tolist() == [0, 1, 2, 3, 5] and not len(use.every_layer)
    assert use.num_layers_keeping.tolist() == [0, 0, 0, 0, 1, 0]
    assert 4 in stream_use(LAYOUT, kept, WRITES).none


def test_what_every_layer_keeps_is_kept_once_in_each():
    kept = np.zeros(LAYOUT.num_gates, dtype=bool)
    for layer, place in enumerate(("q.in", "output.out", "intermediate.in")):
        kept[LAYOUT.vectors[LAYOUT.places[f"{layer}.{place}"]].start + 2] = True
    use = stream_use(LAYOUT, kept)
    assert use.every_layer.tolist() == [2] and not len(use.every_matrix)


@pytest.mark.parametrize("share", [0.12, 0.88])
def test_chance_is_what_random_gates_of_the_same_number_give(share):
    layout, rng = make_layout(hidden=400), np.random.default_rng(0)
    kept = rng.random(layout.num_gates) < share
    drawn = []
    for _ in range(200):
        shuffled = np.concatenate([rng.permutation(kept[v.slice]) for v in layout.vectors])
        drawn.append(stream_use(layout, shuffled))
    for seen, chance in (
        ("every_matrix", "chance_matrix"), ("every_layer", "chance_every"), ("none", "chance_none")
    ):  # fmt: skip
        counts = np.array([len(getattr(use, seen)) for use in drawn])
        error = 4 * counts.std() / np.sqrt(len(counts))
        assert getattr(drawn[0], chance) == pytest.approx(counts.mean(), abs=error + 0.01)


def test_without_gates_on_the_stream_there_is_nothing_to_count():
    only_inputs = make_layout(("in",))
    assert stream_use(only_inputs, np.ones(only_inputs.num_gates, dtype=bool), WRITES) is None
