"""Heads: what is open of each, and which let nothing through."""

import numpy as np
import pytest

from finegates.gates.heads import head_use
from finegates.gates.layout import GatedMatrix, GateLayout
from finegates.models.architectures import layout_of_config
from tests.gates.test_counting import DECODER

HIDDEN, HEADS, LAYERS = 8, 4, 2
SIZE = HIDDEN // HEADS


def make_layout(roles: str = "qkvo", groups: int = HEADS) -> GateLayout:
    width = {"q": HIDDEN, "k": groups * SIZE, "v": groups * SIZE, "o": HIDDEN}
    matrices = tuple(
        GatedMatrix(layer, role, HIDDEN, width[role]) for layer in range(LAYERS) for role in roles
    )
    return GateLayout(matrices, HEADS, groups)


def closed(layout: GateLayout, *places: tuple[str, slice]) -> np.ndarray:
    kept = np.ones(layout.num_gates, bool)
    for name, dimensions in places:
        kept[layout.vectors[layout.places[name]].slice][dimensions] = False
    return kept


def test_a_head_is_dead_if_no_dimension_has_both_its_row_of_v_and_its_column_of_o():
    layout = make_layout()
    kept = closed(layout, ("1.v.out", slice(4, 5)), ("1.o.in", slice(5, 6)))
    use = head_use(layout, kept)
    assert np.argwhere(use.dead).tolist() == [[1, 2]]
    assert use.share[1, 2] == 6 / 8 and use.share[0].tolist() == [1] * HEADS


def test_a_head_without_queries_is_not_dead():
    layout = make_layout()
    use = head_use(layout, closed(layout, ("0.q.out", slice(0, SIZE)), ("0.k.out", slice(0, SIZE))))
    assert not use.dead.any() and use.share[0, 0] == 0.5


def test_a_group_of_keys_and_values_counts_for_each_of_its_heads():
    layout = make_layout(groups=2)
    use = head_use(layout, closed(layout, ("0.v.out", slice(0, SIZE))))
    assert np.argwhere(use.dead).tolist() == [[0, 0], [0, 1]]


def test_open_gates_are_counted_by_role():
    layout = make_layout()
    use = head_use(layout, closed(layout, ("1.k.out", slice(2, 3))))
    assert use.roles == ("q", "k", "v", "o") and use.sizes == (SIZE,) * 4
    assert use.open[:, 1, 1].tolist() == [2, 1, 2, 2]


@pytest.mark.parametrize("roles", ["v", "o", "q"])
def test_roles_without_gates_count_as_open(roles):
    layout = make_layout(roles)
    use = head_use(layout, np.zeros(layout.num_gates, bool))
    assert use.dead.all() == (roles != "q") and not use.share.any()


def test_without_gates_over_heads_there_is_nothing_to_say():
    layout = GateLayout((GatedMatrix(0, "output", 16, HIDDEN),), HEADS, HEADS)
    assert head_use(layout, np.ones(layout.num_gates, bool)) is None


def test_heads_of_a_decoder_lose_what_their_group_loses():
    layout = layout_of_config(DECODER)
    kept = np.ones(layout.num_gates, bool)
    for name, gates in (("0.values.whole", slice(6, 12)), ("1.pairs.whole", slice(1, 2))):
        kept[layout.vectors[layout.places[name]].slice][gates] = False
    use = head_use(layout, ~layout.spread(~kept))
    assert use.sizes == (6,) * 4 and use.roles == ("q", "k", "v", "o")
    assert np.argwhere(use.dead).tolist() == [[0, 2], [0, 3]]
    assert use.open[:, 1].tolist() == [[4, 4, 6, 6], [4, 4, 6, 6], [6] * 4, [6] * 4]
    assert use.share[0].tolist() == [1, 1, 0.5, 0.5]
