"""Points over sparsity are consistent, and what is timed is what it says."""

import json

import pytest
import torch
from torch import nn

from benchmarks import figure3, record
from benchmarks.indexed_linear import indexed_linear
from benchmarks.speed_curves import (
    INDEXED,
    PRODUCT,
    SPARSITIES,
    pass_points,
    product_points,
)
from finegates.errors import SpecError
from finegates.measuring.candidates import attach_random_gates
from tests.toy_models import toy_inputs, toy_model

SMALL = {"rows": 8, "in_features": 32, "out_features": 64, "repeats": 2}


def gated():
    model = toy_model()
    attach_random_gates(model)
    return model.eval()


@pytest.mark.parametrize("rows, columns", [(5, 3), (12, 10), (12, 4), (1, 1)])
@torch.no_grad()
def test_the_indexed_product_is_the_masked_one(rows, columns):
    torch.manual_seed(0)
    dense, x = nn.Linear(10, 12), torch.randn(2, 7, 10)
    kept, used = torch.randperm(12)[:rows].sort().values, torch.randperm(10)[:columns].sort().values
    narrow, indexed = indexed_linear(dense, kept, used)
    closed = x.clone()
    closed[..., [i for i in range(10) if i not in used]] = 0
    wanted = torch.zeros(2, 7, 12)
    wanted[..., kept] = dense(closed)[..., kept]
    assert torch.allclose(indexed(x), wanted, atol=1e-6)
    assert torch.allclose(narrow(x[..., used]), wanted[..., kept], atol=1e-6)


def test_products_have_a_point_for_each_sparsity():
    points = list(product_points(**SMALL))
    assert [p[INDEXED].sparsity for p in points] == list(SPARSITIES)
    assert points[0][PRODUCT].ideal == 1 and points[-1][PRODUCT].ideal == pytest.approx(
        0.19, abs=0.1
    )
    for point in (one for both in points for one in both.values()):
        assert 0 < point.p10 <= point.median <= point.p90 and point.dense_s > 0


def test_passes_have_a_point_for_each_sparsity():
    points = list(pass_points(gated(), [toy_inputs(), toy_inputs(2, 5)], (0.0, 0.5), repeats=2))
    assert [p.sparsity for p in points] == [0.0, 0.5]
    assert points[0].ideal == 1 and points[1].ideal <= 0.5
    assert all(0 < p.p10 <= p.median <= p.p90 for p in points)


def test_a_sparsity_out_of_range_is_refused():
    with pytest.raises(SpecError, match="below 1"):
        next(product_points((1.0,)))
    with pytest.raises(SpecError, match="one or more"):
        next(pass_points(gated(), []))


def test_sentences_are_padded_in_batches():
    batches = figure3.sentence_batches(gated(), 20)
    assert [len(batch["input_ids"]) for batch in batches] == [16, 4]
    for batch in batches:
        lengths = batch["attention_mask"].sum(1)
        assert lengths.max() == batch["input_ids"].shape[1] and lengths.min() >= figure3.SHORTEST
        assert (batch["input_ids"][batch["attention_mask"] == 0] == 0).all()


@pytest.mark.slow
def test_figure_3_is_written(tmp_path, monkeypatch, toy_model_dir, capsys):
    monkeypatch.setattr(record, "RESULTS", tmp_path)
    words = ["--model", str(toy_model_dir), "--device", "cpu", "--dtype", "float32"]
    figure3.main([*words, "--rows", "3", "--repeats", "2", "--sparsities", "0,0.5"])
    written = json.loads((tmp_path / "figure3.json").read_text())
    assert written == json.loads(capsys.readouterr().out) | {"batches": written["batches"]}
    assert [point["sparsity"] for point in written["passes"]] == [0.0, 0.5]
    assert [set(point) for point in written["product"]] == [{PRODUCT, INDEXED}] * 2
    assert {"hardware", "versions", "repeats", "rows"} <= written.keys()
