"""Claims about LoRTA: one tensor for all matrices, its orientation, and whom it refuses."""

import pytest
import torch
from torch import nn

from finegates.adapters import attach_adapter
from finegates.adapters.lorta import LortaLinear
from finegates.errors import ModelError
from finegates.spec import make_spec
from tests.toy_models import DECODER_TYPES, toy_model

ROLES = {"query": 0, "key": 1, "value": 2, "output.dense": 3}


def adapted(model, **settings):
    torch.manual_seed(1)
    attach_adapter(model, make_spec({"method": "lorta", "lora_rank": 3, **settings}))
    return model


def expected_change(factors, layer, role):
    """dW of a matrix, head by head: blocks of the outputs of q, k and v, of the inputs of o."""
    blocks = []
    for head in factors.heads:
        middle = torch.diag(head * factors.roles[role] * factors.layers[layer])
        blocks.append(factors.a @ middle @ factors.b)  # (width, width / heads)
    whole = torch.cat(blocks, 1)
    return whole if role == ROLES["output.dense"] else whole.T


def test_lorta_is_its_formula_in_every_layer_and_role():
    model = adapted(toy_model(), lora_alpha=6.0)
    nn.init.normal_(model.lorta.b)
    layers = {name: m for name, m in model.named_modules() if isinstance(m, LortaLinear)}
    assert len(layers) == 8
    for name, layer in layers.items():
        role = next(row for end, row in ROLES.items() if name.endswith(end))
        change = 2 * expected_change(model.lorta, int(name.split(".")[3]), role)
        x = torch.randn(2, 5, 16)
        assert torch.allclose(layer(x), layer.base_layer(x) + x @ change.T, atol=1e-4)
        assert torch.allclose(layer.weight_change(), change, atol=1e-5)


def test_the_model_owns_one_set_of_factors_with_a_row_for_each_adapted_role():
    model = adapted(toy_model(), target_modules=("q", "o"))
    names = [name for name in model.state_dict() if "lorta" in name or "factors" in name]
    assert names == [f"lorta.{name}" for name in ("a", "b", "heads", "roles", "layers")]
    shapes = [tuple(p.shape) for p in model.lorta.parameters()]
    assert shapes == [(16, 3), (3, 4), (4, 3), (2, 3), (2, 3)]
    a, b, *others = model.lorta.parameters()
    assert a.abs().max() <= 3**-0.5 and not b.any()
    assert 1 < torch.cat([p.flatten() for p in others]).abs().max() <= 2**0.5


@pytest.mark.parametrize("model_type", DECODER_TYPES)
def test_decoders_of_grouped_heads_are_refused_as_they_were(model_type):
    model = toy_model(model_type)
    before = model.state_dict().keys()
    with pytest.raises(ModelError, match="q of this model is 24 x 16.*2 of keys and values"):
        adapted(model)
    assert model.state_dict().keys() == before


def test_a_decoder_with_as_many_heads_of_keys_is_adapted():
    model = adapted(toy_model("llama", num_key_value_heads=4, head_dim=4))
    assert sum(isinstance(m, LortaLinear) for m in model.modules()) == 8
