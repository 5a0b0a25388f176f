"""Claims about experts: one is drawn in training, evaluation takes their mean."""

import torch
from torch import nn
from torch.optim import AdamW

from finegates.adapters.experts import Experts

COUNT = 4


def experts(bias=True):
    torch.manual_seed(0)
    return Experts(nn.Linear(6, 3, bias=bias) for _ in range(COUNT))


def drawn_in(layer, x):
    """Which expert a training pass took for the whole batch."""
    answer = layer.train()(x)
    (which,) = (i for i, each in enumerate(layer.linears) if torch.equal(each(x), answer))
    return which


def test_evaluation_takes_the_mean_of_all():
    layer, x = experts().eval(), torch.randn(5, 6)
    expected = sum(each(x) for each in layer.linears) / COUNT
    assert torch.allclose(layer(x), expected, atol=1e-6)
    assert experts(bias=False).bias is None


def test_a_training_pass_draws_one_for_the_batch_each_as_often():
    layer, x = experts(), torch.randn(5, 6)
    found = [drawn_in(layer, x) for _ in range(400)]
    assert all(70 < found.count(i) < 130 for i in range(COUNT))


def test_the_same_seed_draws_the_same_and_layers_draw_apart():
    one, other, x = experts(), experts(), torch.randn(5, 6)
    pairs = []
    for _ in range(2):
        torch.manual_seed(3)
        pairs.append([(drawn_in(one, x), drawn_in(other, x)) for _ in range(20)])
    assert pairs[0] == pairs[1]
    assert any(a != b for a, b in pairs[0])


def test_what_was_not_drawn_is_neither_moved_nor_decayed():
    layer, x = experts(), torch.randn(5, 6)
    optimizer = AdamW(layer.parameters(), lr=0.1, weight_decay=0.5)
    before = [each.weight.detach().clone() for each in layer.linears]
    torch.manual_seed(5)
    drawn = drawn_in(layer, x)
    torch.manual_seed(5)
    layer(x).sum().backward()
    optimizer.step()
    pairs = zip(before, layer.linears, strict=True)
    same = [torch.equal(weight, each.weight) for weight, each in pairs]
    assert same == [i != drawn for i in range(COUNT)]
