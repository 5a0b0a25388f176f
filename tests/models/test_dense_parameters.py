"""Claims about counts of the newer dense methods: other configurations, and what is refused."""

import pytest

from finegates.errors import ModelError
from finegates.models.architectures import layout_of_config
from finegates.models.dense_parameters import LORTA_ROLES, ether, ether_plus, lorta, melora, polar
from finegates.models.parameters import method_params, parameter_table
from finegates.models.sources import KNOWN_CONFIGS
from finegates.spec import make_spec

QV = ("q", "v")
SMOLLM2 = {
    "model_type": "llama", "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
    "num_attention_heads": 9, "num_key_value_heads": 3,
}  # fmt: skip


def layout_of(name, roles=None):
    return layout_of_config(KNOWN_CONFIGS[name], *([roles] if roles else []))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("roberta-base", [82_944, 331_776, 294_912, 296_448, 860, 6_880, 17_200]),
        ("roberta-large", [221_184, 884_736, 786_432, 789_504, 1_132, 9_056, 22_640]),
    ],
)
def test_further_configurations_count_what_their_formulas_give(name, expected):
    every, query_value = layout_of(name), layout_of(name, QV)
    counts = [ether(every), ether_plus(every), melora(query_value, 8, 8), polar(query_value, 8)]
    counts += [lorta(layout_of(name, LORTA_ROLES), rank) for rank in (1, 8, 20)]
    assert counts == expected


def test_a_number_of_blocks_that_leaves_a_rest_is_refused_with_those_that_do_not():
    with pytest.raises(ModelError, match="melora_blocks is 5, .* side of 768; .*1, 2, 3, 4, 6, 8,"):
        melora(layout_of("roberta-base", QV), 8, 5)


def test_a_rank_that_fills_a_side_is_refused_for_polar():
    with pytest.raises(ModelError, match="lora_rank is 768.* at most 767"):
        polar(layout_of("roberta-base", QV), 768)


def lorta_of(config, *roles):
    return method_params(make_spec({"method": "lorta", "target_modules": roles}), config)


def test_grouped_heads_are_refused_for_lorta_and_the_matrices_that_fit_are_named():
    with pytest.raises(ModelError, match="k of this model is 192 x 576.*target_modules to q,o"):
        lorta_of(SMOLLM2, *LORTA_ROLES)
    assert lorta_of(SMOLLM2, "q", "o") == 4 * (576 + 64 + 9 + 2 + 30)
    names = [row["configuration"] for row in parameter_table(SMOLLM2)["rows"]]
    assert "PoLAR r=8 on all seven" in names and not any("LoRTA" in name for name in names)


def test_heads_of_another_width_are_refused_for_lorta():
    whole = {**SMOLLM2, "num_key_value_heads": 9}
    assert lorta_of(whole, *LORTA_ROLES) == 4 * (576 + 64 + 9 + 4 + 30)
    with pytest.raises(ModelError, match="q of this model is 864 x 576.*; use lora, melora"):
        lorta_of({**whole, "head_dim": 96}, *LORTA_ROLES)


def test_a_width_that_heads_do_not_divide_and_matrices_without_heads_are_refused_for_lorta():
    uneven = {**KNOWN_CONFIGS["roberta-base"], "num_attention_heads": 10}
    with pytest.raises(ModelError, match="768 wide with 10 heads"):
        lorta_of(uneven, *LORTA_ROLES)
    with pytest.raises(ModelError, match="means output, which has no attention heads"):
        lorta_of(KNOWN_CONFIGS["roberta-base"], "q", "output")
