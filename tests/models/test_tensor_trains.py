"""Claims about the shapes of tensor trains: the authors' where they have one, else by our rule."""

import math

import pytest

from finegates.models.tensor_trains import (
    KNOWN_SHAPES,
    factors,
    tensor_train_params,
    tensor_train_shape,
)


def test_sizes_of_the_authors_have_their_lists_from_either_end():
    assert tensor_train_shape(768, 64) == (8, 8, 12, 8, 8)
    assert tensor_train_shape(768, 8) == tensor_train_shape(8, 768)[::-1] == (8, 8, 12, 8)
    assert tensor_train_shape(1024, 64) == tensor_train_shape(64, 1024) == (4, 8, 8, 8, 8, 4)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (384, (6, 8, 8)), (512, (8, 8, 8)), (768, (8, 8, 12)), (3072, (6, 8, 8, 8)), (16, (16,)),
        (64, (8, 8)), (8, (8,)), (1, (1,)), (47, (47,)), (14_336, (4, 7, 8, 8, 8)),
    ],
)  # fmt: skip
def test_other_sizes_are_factored_into_numbers_close_to_8(number, expected):
    assert factors(number) == expected


def test_the_larger_numbers_are_in_the_middle():
    assert tensor_train_shape(384, 64) == (6, 8, 8, 8, 8)
    assert tensor_train_shape(512, 3072) == (8, 8, 8, 8, 8, 8, 6)
    assert tensor_train_shape(16, 8) == (16, 8)


def test_the_rule_agrees_with_the_authors_on_768():
    assert (*factors(768), *factors(64)) == KNOWN_SHAPES[768, 64]


@pytest.mark.parametrize("sides", [(384, 64), (16, 64), (12, 24), (1, 6), (1536, 5), (1024, 64)])
def test_a_shape_has_the_matrixs_size_and_a_transpose_the_same_parameters(sides):
    assert math.prod(tensor_train_shape(*sides)) == math.prod(sides)
    assert tensor_train_shape(*sides) == tensor_train_shape(*sides[::-1])[::-1]
    assert tensor_train_params(*sides, rank=3) == tensor_train_params(*sides[::-1], rank=3)


def test_a_trains_parameters_are_those_of_its_cores():
    # 1 x 8 x 5, 5 x 8 x 5, 5 x 12 x 5, 5 x 8 x 1
    assert tensor_train_params(768, 8, rank=5) == 40 + 200 + 300 + 40
