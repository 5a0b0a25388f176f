"""Claims about a tensor train: what its matrix is, how it is drawn, and where it starts."""

import pytest
import torch

from finegates.adapters.tensor_train import TensorTrain
from finegates.models.tensor_trains import tensor_train_params


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_the_matrix_is_the_contraction_read_row_by_row():
    train = TensorTrain(16, 64, rank=3)
    first, second, third = train.cores
    assert [tuple(core.shape) for core in train.cores] == [(1, 16, 3), (3, 8, 3), (3, 8, 1)]
    tensor = torch.einsum("aib,bjc,ckd->ijk", first, second, third)
    expected = torch.stack([tensor[i].flatten() for i in range(16)])
    assert torch.allclose(train.matrix(), expected, atol=1e-6)


@pytest.mark.parametrize("sides", [(384, 64), (1024, 8), (8, 768), (1, 6)])
def test_it_trains_what_the_formula_counts(sides):
    train = TensorTrain(*sides, rank=5)
    assert train.matrix().shape == sides
    assert sum(p.numel() for p in train.parameters()) == tensor_train_params(*sides, rank=5)


def test_every_entry_has_the_variance_of_one_over_both_sides():
    drawn = torch.stack([TensorTrain(24, 8, rank=5).matrix().detach() for _ in range(300)])
    assert drawn.square().mean().item() == pytest.approx(1 / 32, rel=0.1)


def test_at_zero_only_the_last_core_has_a_gradient():
    train = TensorTrain(24, 8, rank=2).start_at_zero()
    matrix = train.matrix()
    assert not matrix.any()
    matrix.sum().backward()
    assert [bool(core.grad.any()) for core in train.cores] == [False, False, True]


def test_cores_are_contracted_in_their_own_precision_under_bfloat16():
    train = TensorTrain(16, 64, rank=3)
    expected = train.matrix()
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(train.matrix(), expected)
