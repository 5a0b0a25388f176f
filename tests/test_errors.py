"""Claims about sentences: a name is suggested where it is likely a typing error, else none."""

import pytest

from finegates.errors import likely_meant, unknown_name

MODELS = ("bert", "roberta", "xlm-roberta", "camembert", "electra", "distilbert")
RUN = "20261127-211716-490747-sample"


@pytest.mark.parametrize(
    ("given", "allowed", "meant"),
    [
        ("lable", ["text", "label"], "label"),
        ("robert", MODELS, "roberta"),
        ("Electra", MODELS, "electra"),
        ("finegates-lora", ["finegates", "finegates+lora"], "finegates+lora"),
        ("20261127-211716-490747-sampel", [RUN], RUN),
    ],
)
def test_a_slip_of_the_keys_is_understood(given, allowed, meant):
    assert likely_meant(given, allowed) == meant


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        ("albert", MODELS),
        ("deberta", MODELS),
        ("modernbert", MODELS),
        ("finegates-bert", MODELS),
        ("6", ["2", "3"]),
        ("", ["a"]),
        ("20261127-211716-490747-sample-lora-5b337e04", [f"{RUN}-lora-55975fdd"]),
    ],
)
def test_another_name_that_looks_alike_is_not_suggested(given, allowed):
    assert likely_meant(given, allowed) is None
    assert "Did you mean" not in unknown_name("name", given, allowed)
