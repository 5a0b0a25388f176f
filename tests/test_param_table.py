"""Claims about counts: the table of the paper's configurations, number by number."""

import pytest

from finegates.errors import ModelError
from finegates.models import KNOWN_CONFIGS
from finegates.param_table import parameter_table

# As in arXiv 2412.12951, classifier head and biases not counted.
EXPECTED = {
    "roberta-base": {
        "finegates: gates on inputs and outputs of all six matrices": 165_888,
        "finegates w/o W_I, W_O: one gate vector on each of q, k, v, o": 36_864,
        "LoRA r=8 on all six + one gate vector on each": 1_410_048,
        "LoRA r=8 on q, k, v, o + one gate vector on each": 626_688,
        "LoRA r=8 on q, v": 294_912,
        "VeRA r=1024 on q, v": 43_008,
        "LoRA-XS r=25 on q, v, attention output, FFN output": 30_000,
    },
    "roberta-large": {
        "finegates: gates on inputs and outputs of all six matrices": 442_368,
        "finegates w/o W_I, W_O: one gate vector on each of q, k, v, o": 98_304,
        "LoRA r=8 on all six + one gate vector on each": 3_760_128,
        "LoRA r=8 on q, k, v, o + one gate vector on each": 1_671_168,
        "LoRA r=8 on q, v": 786_432,
        "VeRA r=256 on q, v": 61_440,
        "LoRA-XS r=25 on q, v, attention output, FFN output": 60_000,
    },
}
GATED_WEIGHTS = {"roberta-base": 84_934_656, "roberta-large": 301_989_888}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_counts_are_those_of_the_paper(name):
    table = parameter_table(KNOWN_CONFIGS[name])
    counts = {row["configuration"]: row["trainable_params"] for row in table["rows"]}
    assert counts == EXPECTED[name]
    assert table["num_gated_weights"] == GATED_WEIGHTS[name]


@pytest.mark.parametrize("size", ["base", "large"])
def test_bert_of_the_same_sizes_has_the_same_counts(size):
    bert, roberta = KNOWN_CONFIGS[f"bert-{size}-uncased"], KNOWN_CONFIGS[f"roberta-{size}"]
    assert parameter_table(bert) == parameter_table(roberta)


@pytest.mark.parametrize("change", [{"hidden_size": "768"}, {"num_attention_heads": 0}])
def test_a_size_that_is_no_whole_number_is_named(change):
    with pytest.raises(ModelError, match=next(iter(change))):
        parameter_table({**KNOWN_CONFIGS["roberta-base"], **change})


def test_a_config_without_a_size_is_named():
    config = {k: v for k, v in KNOWN_CONFIGS["roberta-base"].items() if k != "hidden_size"}
    with pytest.raises(ModelError, match="hidden_size"):
        parameter_table(config)
