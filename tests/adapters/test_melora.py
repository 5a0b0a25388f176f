"""Claims about MELoRA: small updates side by side, and what they begin at."""

import pytest
import torch
from torch import nn

from finegates.adapters import attach_adapter
from finegates.adapters.melora import BlockLora
from finegates.errors import ModelError
from finegates.spec import make_spec
from tests.toy_models import toy_model


def test_melora_is_its_formula_block_by_block():
    torch.manual_seed(0)
    layer, x = BlockLora(nn.Linear(12, 6), rank=2, alpha=8.0, blocks=3), torch.randn(2, 5, 12)
    assert layer.a.abs().max() <= 0.5 and layer.a.std() > 0.2  # uniform in +-1 / sqrt(12 / 3)
    assert not layer.b.any() and torch.equal(layer(x), layer.base_layer(x))
    nn.init.normal_(layer.b)
    updates = [
        4 * x[..., 4 * i : 4 * i + 4] @ (layer.b[i] @ layer.a[i]).T for i in range(3)
    ]  # 4 is alpha / r
    expected = layer.base_layer(x) + torch.cat(updates, -1)
    assert torch.allclose(layer(x), expected, atol=1e-5)
    assert torch.linalg.matrix_rank(layer.weight_change()) == 6
    assert torch.allclose(layer.merged()(x), expected, atol=1e-5)


def test_one_block_is_lora():
    torch.manual_seed(0)
    layer = BlockLora(nn.Linear(12, 6), rank=2, alpha=8.0, blocks=1)
    nn.init.normal_(layer.b)
    assert torch.allclose(layer.weight_change(), 4 * layer.b[0] @ layer.a[0])


def test_blocks_that_leave_a_rest_are_refused_before_the_model_is_changed():
    model, base = toy_model(), toy_model()
    with pytest.raises(ModelError, match="melora_blocks is 3, .* one of: 1, 2, 4, 8, 16"):
        attach_adapter(model, make_spec({"method": "melora", "melora_blocks": 3}))
    assert model.state_dict().keys() == base.state_dict().keys()
