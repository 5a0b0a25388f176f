"""Claims about the agreement of two readings: its formula, its gradient, and when there are two."""

import numpy as np
import pytest
import torch

from finegates.adapters.consistency import Consistency
from tests.toy_models import toy_language_model, toy_model


@pytest.fixture(scope="module")
def hooks():
    return Consistency(toy_model())


def two(*shape):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=generator, requires_grad=True) for _ in range(2)]


def softmax(logits):
    exponents = np.exp(logits.detach().double().numpy())
    return exponents / exponents.sum(-1, keepdims=True)


def test_it_is_half_the_symmetric_divergence_and_its_gradient_stops_at_each_target(hooks):
    first, second = two(5, 3)
    agreement = hooks.agreement(first, second)
    p, q = softmax(first), softmax(second)
    expected = ((p - q) * (np.log(p) - np.log(q))).sum(-1).mean() / 2
    assert agreement.item() == pytest.approx(expected, rel=1e-5)
    agreement.backward()  # of KL(sg(q) to p) alone: p - q, with respect to p's logits
    np.testing.assert_allclose(first.grad, (p - q) / 2 / 5, atol=1e-6)
    np.testing.assert_allclose(second.grad, (q - p) / 2 / 5, atol=1e-6)


def test_of_a_language_model_it_is_the_mean_over_tokens(hooks):
    first, second = two(2, 4, 3)
    by_token = [hooks.agreement(first[i, j : j + 1], second[i, j : j + 1]) for i in range(2)
                for j in range(4)]  # fmt: skip
    assert torch.allclose(hooks.agreement(first, second), torch.stack(by_token).mean())


def test_a_regression_is_read_once():
    assert Consistency(toy_model()).reads_twice
    assert Consistency(toy_language_model()).reads_twice
    assert not Consistency(toy_model(num_labels=1)).reads_twice
