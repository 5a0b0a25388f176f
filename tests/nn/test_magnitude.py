"""Closing by the size of weights."""

import numpy as np
import pytest
import torch

from finegates.gates.laws import GaussianLaw
from finegates.gates.removal import gates_to_close
from finegates.nn.attach import attach_gates, gated_linears
from finegates.nn.magnitude import order_by_magnitude
from tests.toy_models import toy_inputs, toy_model


@pytest.mark.parametrize("lora_rank", [0, 2])
def test_gates_are_ordered_by_the_size_of_their_merged_rows_and_columns(lora_rank):
    model = toy_model()
    gates = attach_gates(model, GaussianLaw(), lora_rank=lora_rank)
    for gated in gated_linears(model):
        if gated.low_rank is not None:
            torch.nn.init.normal_(gated.low_rank.b)
    order_by_magnitude(model, gates)
    sizes = []
    for gated in gated_linears(model):
        weight = gated.weight.detach()
        if gated.low_rank is not None:
            update = gated.low_rank.b @ gated.low_rank.a * gated.low_rank.scale
            weight = (weight + update).detach()
        sizes += [weight.square().mean(0).sqrt(), weight.square().mean(1).sqrt()]
    expected = np.argsort(torch.cat(sizes).numpy(), kind="stable")
    order = np.argsort(gates.means_array(), kind="stable")
    assert (expected == order).mean() > 0.99  # float32 may tie


def test_all_gates_are_open_until_the_smallest_are_closed():
    model = toy_model()
    before = model(**toy_inputs()).logits
    gates = attach_gates(model, GaussianLaw())
    order_by_magnitude(model, gates)
    assert not gates.parameter.requires_grad and gates.settled
    assert torch.allclose(model(**toy_inputs()).logits, before, atol=1e-6)
    closed = gates_to_close(gates.layout, gates.means_array(), 0.3)
    gates.close_exactly(closed)
    values = gates.law.value(gates.means_array())
    assert ((values == 0) == closed).all() and (values[~closed] == 1).all()


def test_a_gate_of_the_stream_is_as_large_as_all_its_rows_and_columns_on_average():
    model = toy_model()
    gates = attach_gates(model, GaussianLaw(), units=("hidden", "neurons"))
    order_by_magnitude(model, gates)
    squares = []
    for gated in gated_linears(model):
        square = gated.weight.detach().square()
        over = 1 if gated.matrix.role in ("o", "output") else 0
        squares.append(square.mean(over))
    expected = torch.stack(squares).mean(0).sqrt().numpy()
    found = gates.layout.split(gates.means_array())["all.hidden.whole"]
    assert (np.argsort(found) == np.argsort(expected)).all()


@pytest.mark.parametrize("unit", ["neurons", "values", "pairs", "heads"])
def test_a_structure_of_a_decoder_is_as_large_as_all_its_rows_and_columns(unit):
    model = toy_model("llama")
    gates = attach_gates(model, GaussianLaw(), units=(unit,))
    order_by_magnitude(model, gates)
    weight = {g.matrix.name: g.weight.detach().square() for g in gated_linears(model)}
    columns, rows = (
        {name: w.mean(over) for name, w in weight.items()} for over in (0, 1)
    )  # 2 groups of 2 heads of 6
    of_queries = [rows["1.q"].view(2, 2, 6), columns["1.o"].view(2, 2, 6)]
    of_keys = [rows["1.k"].view(2, 1, 6), rows["1.v"].view(2, 1, 6)]
    governed = {
        "neurons": [rows["1.gate"], rows["1.up"], columns["1.down"]],
        "values": [of_keys[1][:, 0].flatten(), *of_queries[1].transpose(0, 1).flatten(1)],
        "pairs": [
            part[:, head, 3 * half : 3 * half + 3].flatten()
            for part in (of_keys[0], of_queries[0])
            for head in range(part.shape[1])
            for half in range(2)
        ],
        "heads": torch.cat([part.flatten(1) for part in (*of_queries, *of_keys)], 1).T,
    }[unit]
    expected = torch.stack([*governed]).mean(0).sqrt().numpy()
    found = gates.layout.split(gates.means_array())[f"1.{unit}.whole"]
    assert (np.argsort(found) == np.argsort(expected)).all()
    assert len(found) == {"neurons": 32, "values": 12, "pairs": 6, "heads": 2}[unit]
