"""Rows of several calls come together in one file, and never those of two machines."""

import json

import pytest

from benchmarks import peers, record, rows, shrink
from benchmarks.torch_pruning import INNER, KINDS, layers_cost, prune_by_torch_pruning
from finegates.shrinking.cost import dense_cost
from tests.toy_models import toy_inputs, toy_model

KEY = ("remove",)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "RESULTS", tmp_path)
    monkeypatch.setattr(rows, "RESULTS", tmp_path)
    return tmp_path


def test_a_row_replaces_itself_and_leaves_others(folder):
    for remove, seconds in ((0.2, 1.0), (0.4, 2.0), (0.2, 3.0)):
        rows.add_row("a.json", {"remove": remove, "s": seconds}, KEY, {"model": "m"})
    written = json.loads((folder / "a.json").read_text())["rows"]
    assert sorted((r["remove"], r["s"]) for r in written) == [(0.2, 3.0), (0.4, 2.0)]


def test_rows_of_other_settings_go(folder):
    rows.add_row("a.json", {"remove": 0.2}, KEY, {"model": "m"})
    result = rows.add_row("a.json", {"remove": 0.4}, KEY, {"model": "other"})
    assert [r["remove"] for r in result["rows"]] == [0.4]


def test_shrink_measures_every_row(folder, toy_model_dir, capsys):
    words = ["--model", str(toy_model_dir), "--device", "cpu", "--dtype", "float32"]
    shrink.main([*words, "--repeats", "1", "--remove", "0.2,0.5", "--shapes", "2x8,1x4"])
    result = json.loads(capsys.readouterr().out)
    assert result == json.loads((folder / "shrink-cpu.json").read_text())
    told = [(r["remove"], r["batch_size"], r["repeats"]) for r in result["rows"]]
    assert told == [(0.2, 2, 1), (0.2, 1, 10), (0.5, 2, 1), (0.5, 1, 10)]


def test_the_library_removes_what_is_asked_for():
    dense = toy_model("roberta", intermediate_size=64, hidden_size=32)
    before = dense_cost(dense.config).products_per_token
    for kind in KINDS:
        pruned = prune_by_torch_pruning(dense, 0.4, kind)
        assert 1 - layers_cost(pruned).products_per_token / before == pytest.approx(0.4, abs=0.1)
        assert pruned(**toy_inputs()).logits.shape == (3, 2)
        same = pruned.get_input_embeddings().embedding_dim == 32
        assert same == (kind == INNER)
    assert dense_cost(dense.config).products_per_token == before


def test_peers_tell_ours_and_theirs(folder, toy_model_dir, capsys):
    peers.main(["--model", str(toy_model_dir), "--remove", "0.3", "--shapes", "2x8"])
    result = json.loads(capsys.readouterr().out)
    assert [row["candidate"] for row in result["rows"]] == ["shrunk", *KINDS]
    for row in result["rows"]:
        assert row["realised_over_ideal"] == pytest.approx(row["speedup"] / row["mac_ratio"])
        assert row["params"] <= row["dense_params"] and row["time_factor"] > 0


def test_what_the_library_can_not_prune_is_a_row(monkeypatch):
    def fails(*arguments):
        raise RuntimeError("no such graph")

    monkeypatch.setattr(peers, "prune_by_torch_pruning", fails)
    models, rows = peers.theirs(toy_model(), 0.2)
    assert not models
    assert {row["error"] for row in rows} == {"RuntimeError: no such graph"}
