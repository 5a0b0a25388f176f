"""How fast rotary pairs turn, against the angles that transformers computes."""

import math

import numpy as np
import pytest
import torch

from finegates.models.rotary import wavelengths
from tests.toy_models import DECODER_TYPES, toy_model


@pytest.mark.parametrize("model_type", [t for t in DECODER_TYPES if t != "gemma3_text"])
def test_wavelengths_are_those_of_the_models_own_rotary_module(model_type):
    model = toy_model(model_type)
    expected = 2 * math.pi / model.base_model.rotary_emb.inv_freq.numpy()
    found = wavelengths(model.config.to_dict())
    assert found.shape == (2, 3)
    assert np.allclose(found, expected, rtol=1e-5)


def test_layers_of_two_kinds_turn_at_two_speeds():
    kinds = ["sliding_attention", "full_attention"]
    model = toy_model("gemma3_text", layer_types=kinds)
    found = wavelengths(model.config.to_dict())
    for waves, kind in zip(found, kinds, strict=True):
        own = getattr(model.base_model.rotary_emb, f"{kind}_inv_freq")
        assert torch.allclose(torch.from_numpy(waves).float(), 2 * math.pi / own, rtol=1e-5)
    assert found[1, -1] > 2 * found[0, -1]


def test_a_layer_without_rotation_has_none():
    found = wavelengths(toy_model("smollm3", no_rope_layers=[1, 0]).config.to_dict())
    assert np.isfinite(found[0]).all() and np.isnan(found[1]).all()


def test_a_config_of_transformers_4_says_theta_by_itself():
    config = {
        "model_type": "llama", "hidden_size": 24, "num_attention_heads": 4, "rope_theta": 100.0,
        "num_hidden_layers": 1, "rope_scaling": None,
    }  # fmt: skip
    expected = [2 * math.pi * 100 ** (2 * i / 6) for i in range(3)]
    assert wavelengths(config)[0] == pytest.approx(expected)
    assert wavelengths({**config, "rope_theta": None} | {"rope_parameters": {"rope_theta": 100.0}})[
        0
    ] == pytest.approx(expected)


@pytest.mark.parametrize(
    "change",
    [
        {"model_type": "bert"},
        {"model_type": None},
        {"hidden_size": None},
        {"rope_scaling": {"rope_type": "llama3", "factor": 8.0}},
        {"rope_scaling": {"type": "linear", "factor": 8.0}},
        {"partial_rotary_factor": 0.5},
    ],
)
def test_what_more_than_theta_decides_is_not_told(change):
    config = {
        "model_type": "llama", "hidden_size": 24, "num_attention_heads": 4, "num_hidden_layers": 1,
    }  # fmt: skip
    assert wavelengths(config) is not None
    assert wavelengths(config | change) is None
