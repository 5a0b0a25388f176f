"""Claims about Wanda: norms without padding, and which weights of a row go."""

import pytest
import torch

from finegates.adapters.wanda import first_rows, input_norms, kept_weights
from tests.toy_models import toy_inputs, toy_model


@pytest.mark.parametrize("sparsity", [0.0, 0.4, 0.5, 0.95])
def test_of_each_row_the_lowest_share_of_size_times_norm_goes(sparsity):
    generator = torch.Generator().manual_seed(0)
    weight, norms = (torch.randn(*n, generator=generator) for n in ((5, 20), (20,)))
    kept = kept_weights(weight, norms.abs(), sparsity)
    for row, found in zip(weight, kept, strict=True):
        order = sorted(range(20), key=lambda j: float(row[j].abs() * norms[j].abs()))
        assert found.logical_not().nonzero()[:, 0].tolist() == sorted(order[: round(20 * sparsity)])


def test_a_row_keeps_one_weight_at_least():
    assert kept_weights(torch.ones(2, 3), torch.ones(3), 0.95).sum(1).tolist() == [1, 1]


@pytest.mark.parametrize("model_type", ["bert", "llama"])
@pytest.mark.parametrize("whole", [True, False])
def test_norms_are_those_of_the_inputs_of_real_tokens(model_type, whole):
    model, batch = toy_model(model_type), toy_inputs()
    if whole:
        batch = {"input_ids": batch["input_ids"].clamp(min=3)}
    layer = model.base_model.get_submodule(
        "encoder.layer.1.output.dense" if model_type == "bert" else "layers.1.mlp.down_proj"
    )
    seen = []
    hook = layer.register_forward_hook(lambda module, inputs, _: seen.append(inputs[0].detach()))
    model(**batch)
    hook.remove()
    lengths = batch.get("attention_mask", torch.ones(3, 9)).sum(1).int().tolist()
    tokens = torch.cat([seen[0][i, :n] for i, n in enumerate(lengths)])
    assert len(tokens) == (27 if whole else 22)
    if model_type == "bert" and not whole:  # as batches of encoders have it
        batch["attention_mask"] = batch["attention_mask"].bool()[:, None, None, :]
    (norms,) = input_norms(model, [layer], [batch])
    assert torch.allclose(norms, (tokens**2).sum(0).sqrt(), rtol=1e-4)
    halves = [{n: t[rows] for n, t in batch.items()} for rows in (slice(0, 1), slice(1, 3))]
    assert torch.allclose(input_norms(model, [layer], halves)[0], norms, rtol=1e-4)


def test_no_more_rows_are_read_than_asked_for_and_none_with_labels():
    batches = [{**toy_inputs(), "labels": torch.zeros(3)} for _ in range(4)]
    found = list(first_rows(batches, 7))
    assert [len(batch["input_ids"]) for batch in found] == [3, 3, 1]
    assert all(batch.keys() == {"input_ids", "attention_mask"} for batch in found)
    assert len(list(first_rows(batches, 50))) == 4
