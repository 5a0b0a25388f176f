"""Claims about choosing the largest entries: as many as asked for, of equals the first."""

import pytest
import torch

from finegates.adapters.largest import largest


@pytest.mark.parametrize("count", [1, 2, 5, 7])
def test_the_largest_of_each_row_are_those_of_a_stable_sort(count):
    sizes = torch.tensor([[3.0, 1, 3, 0, 3, 2, 1], [0, 0, 0, 0, 0, 0, 0], [1, 2, 3, 4, 5, 6, 7]])
    order = sizes.argsort(dim=-1, descending=True, stable=True)[:, :count]
    expected = torch.zeros_like(sizes, dtype=torch.bool).scatter(1, order, True)
    assert torch.equal(largest(sizes, count), expected)
    assert torch.equal(largest(sizes[0], count), expected[0])
