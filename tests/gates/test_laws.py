"""Gate laws against the formulas they stand for."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from finegates.errors import SpecError
from finegates.gates.laws import LAWS, GaussianLaw, HardConcreteLaw, TanhGaussianLaw, make_law

MEANS = st.floats(-3, 3, width=32)
ALL_LAWS = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
NUM_DRAWS = 100_000


def phi(x: float) -> float:
    return 0.5 * (1 + math.erf(x / math.sqrt(2)))


@given(MEANS)
def test_gaussian_value_and_probability_are_the_papers(mean):
    for law in (GaussianLaw(), TanhGaussianLaw()):
        assert law.value(np.float64(mean)) == pytest.approx(min(max(mean + 0.5, 0), 1), abs=1e-6)
        tensor = torch.tensor(mean, dtype=torch.float64)
        assert float(law.probability_open(tensor)) == pytest.approx(phi((mean + 0.5) / 0.5), 1e-6)


@given(MEANS)
def test_hard_concrete_value_and_probability_are_the_papers(mean):
    law = HardConcreteLaw()
    value = min(max(1.2 / (1 + math.exp(-mean)) - 0.1, 0), 1)
    assert law.value(np.float64(mean)) == pytest.approx(value, abs=1e-6)
    expected = 1 / (1 + math.exp(-(mean - 2 / 3 * math.log(0.1 / 1.1))))
    tensor = torch.tensor(mean, dtype=torch.float64)
    assert float(law.probability_open(tensor)) == pytest.approx(expected, 1e-6)


@ALL_LAWS
@pytest.mark.parametrize("mean", [-0.6, -0.2, 0.1])
def test_gates_are_open_as_often_as_the_formula_says(law, mean):
    generator = torch.Generator().manual_seed(0)
    if law.noise == "normal":
        noise = torch.randn(NUM_DRAWS, generator=generator, dtype=torch.float64)
    else:
        noise = torch.logit(torch.rand(NUM_DRAWS, generator=generator, dtype=torch.float64))
    frequency = float(
        (law.sample(torch.tensor(mean, dtype=torch.float64), noise) > 0).double().mean()
    )
    if isinstance(law, GaussianLaw):  # the official penalty uses another sigma than its sampling
        expected = phi((mean + 0.5) / law.sampling_sigma)
    else:
        expected = float(law.probability_open(torch.tensor(mean)))
    assert frequency == pytest.approx(expected, abs=4 * math.sqrt(0.25 / NUM_DRAWS))


@ALL_LAWS
@given(st.lists(st.floats(-40, 40, width=32), min_size=1, max_size=20))
def test_numpy_and_torch_give_the_same_value(law, means):
    array = np.array(means, dtype=np.float32)
    assert np.allclose(law.value(array), law.value(torch.from_numpy(array)).numpy(), atol=1e-6)


@ALL_LAWS
def test_a_gate_is_closed_exactly_up_to_its_closing_mean(law):
    assert law.value(np.float64(law.closing_mean)) == pytest.approx(0, abs=1e-12)
    assert law.value(np.float64(law.closing_mean - 1e-3)) == 0
    assert law.value(np.float64(law.closing_mean + 1e-3)) > 0


@ALL_LAWS
@given(st.floats(-0.95, 0.95))
def test_parameter_is_the_inverse_of_mean(law, mean):
    tensor = torch.tensor(mean, dtype=torch.float64)
    assert float(law.mean(law.parameter(tensor))) == pytest.approx(mean, abs=1e-6)


@ALL_LAWS
def test_a_new_gate_is_fully_open(law):
    centre, spread = law.initial_parameter
    lowest = law.mean(torch.tensor(centre - 4 * spread))
    assert float(law.value(lowest)) == 1


def test_sampled_gates_have_finite_gradients_far_out():
    for law in LAWS.values():
        mean = torch.tensor([-1000.0, -40.0, 40.0, 1000.0], requires_grad=True)
        law.sample(mean, torch.zeros(4)).sum().backward()
        assert torch.isfinite(mean.grad).all()


def test_an_unknown_law_and_a_sigma_for_a_law_without_one_are_errors():
    with pytest.raises(SpecError, match="Did you mean 'gaussian'"):
        make_law("gausian")
    with pytest.raises(SpecError, match="has no sigma"):
        make_law("hard-concrete", 0.1)
    assert make_law("gaussian", 0.1).sampling_sigma == 0.1
