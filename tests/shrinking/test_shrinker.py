"""Many smaller models of one gated model: bit for bit those that are made one by one."""

import numpy as np
import pytest
import torch

from finegates.gates.cuts import Cut, gates_to_prune
from finegates.gates.laws import GaussianLaw
from finegates.nn.attach import attach_gates, gates_of
from finegates.shrinking.shrink import Shrinker, shrink
from tests.shrinking.test_shrink import EVERY_TYPE, MACHINES, random_means
from tests.toy_models import toy_model

OPTIONS: dict[str, dict] = {
    "plain": {},
    "low rank outside": {"lora_rank": 2, "lora_place": "outside"},
    "low rank inside": {"lora_rank": 2},
    "one side": {"sides": "out"},
    "some matrices": {"target_modules": ("q", "v", "output")},
    "structures": {"units": ("heads", "neurons")},
    "multiples": {"units": ("neurons", "hidden"), "multiple": 4},
    "residual stream": {"units": ("hidden", "heads", "neurons")},
    "residual stream, low rank outside": {
        "units": ("hidden", "pairs"),
        "lora_rank": 2,
        "lora_place": "outside",
    },
}
CUTS = (Cut(remove=0.0), Cut(remove=0.3), Cut(threshold=0.4), Cut(threshold=1.0), Cut(remove=0.7))


def check_equal(model, machine, cuts=CUTS):
    gates, shrinker = gates_of(model), Shrinker(model, machine)
    before = gates.means_array()
    for cut in cuts:
        closed = gates_to_prune(gates.layout, gates.law, gates.means_array(), cut)
        several = shrinker.at(closed)
        alone = shrink(model, tuned_for=machine, remove=cut.remove, threshold=cut.threshold)
        assert several.config.to_dict() == alone.config.to_dict()
        first, second = several.state_dict(), alone.state_dict()
        assert first.keys() == second.keys()
        assert all(torch.equal(first[name], second[name]) for name in first)
        assert not several.training and several.dtype == alone.dtype
    assert (gates.means_array() == before).all()


def gated(model_type, dtype=torch.float32, **options):
    model = toy_model(model_type)
    gates = attach_gates(model, GaussianLaw(), **options)
    gates.set_means(random_means(gates.layout, 0, 0.3).astype(np.float32))
    for name, parameter in model.named_parameters():
        if name.endswith("low_rank.b"):
            parameter.data.copy_(torch.randn_like(parameter))
    model.to(dtype)
    gates.parameter.data = gates.parameter.data.float()
    return model.eval()


@EVERY_TYPE
@pytest.mark.parametrize("machine", ["cpu", "cuda", "thrifty"])
def test_one_by_one_or_together(model_type, machine):
    check_equal(gated(model_type), MACHINES[machine])


@EVERY_TYPE
def test_with_a_narrower_residual_stream(model_type):
    check_equal(gated(model_type, units=("hidden", "neurons")), MACHINES["thrifty"])


@pytest.mark.parametrize("options", list(OPTIONS))
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_whatever_the_gates_stand_for(options, dtype):
    check_equal(gated("bert", dtype, **OPTIONS[options]), MACHINES["thrifty"])
