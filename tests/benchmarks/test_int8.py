"""The benchmark of int8 writes rows that say whether the goal is met; how fast it is, no test."""

import json

import pytest

from benchmarks import int8, record, rows


@pytest.mark.slow
def test_every_shape_is_a_row_that_judges_itself(toy_model_dir, tmp_path, monkeypatch, capsys):
    for module in (record, rows):
        monkeypatch.setattr(module, "RESULTS", tmp_path)
    int8.main(["--model", str(toy_model_dir), "--repeats", "1", "--shapes", "1x4,2x8"])
    result = json.loads(capsys.readouterr().out)
    assert result == json.loads((tmp_path / int8.RESULT).read_text())
    assert [(r["batch_size"], r["repeats"]) for r in result["rows"]] == [(1, 10), (2, 1)]
    for row in result["rows"]:
        assert row["goal_met"] == (row["int8_speedup"] >= 1.4) and "busy" in row
        assert row["int8_shrunk_products"] > 0 == row["int8_shrunk_float_products"]
        assert "masked_s" not in row
    assert result["onnxruntime"] and result["model"] == str(toy_model_dir)
