"""Every method is of one family, by what it says of itself."""

import pytest

from finegates.methods import METHODS
from finegates.methods.method import ADAPTER, FAMILIES, FULL, REMOVES, SPARSE_DELTA


def test_every_method_is_of_a_family_and_every_family_has_one():
    assert {method.family for method in METHODS.values()} == {*FAMILIES}


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("full", FULL),
        ("lora", ADAPTER),
        ("compacter", ADAPTER),
        ("sparta", SPARSE_DELTA),
        ("finegates+full", REMOVES),
        ("magnitude", REMOVES),
    ],
)
def test_what_removes_is_told_apart_before_what_is_trained(name, family):
    assert METHODS[name].family == family
