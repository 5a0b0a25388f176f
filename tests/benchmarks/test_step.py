"""The benchmark of a training step runs; how fast anything is, no test tells."""

import json

import pytest

from benchmarks import step


@pytest.mark.slow
def test_every_candidate_is_timed_beside_the_reference(
    toy_model_dir, tmp_path, monkeypatch, capsys
):
    for module in ("record", "rows"):
        monkeypatch.setattr(f"benchmarks.{module}.RESULTS", tmp_path)
    model = str(toy_model_dir)
    step.main(["--device", "cpu", "--steps", "3", "--models", model, "--lengths", "8"])
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert json.loads((tmp_path / "step.json").read_text()) == result
    rows = {row["candidate"]: row for row in result["rows"]}
    assert set(rows) == {*step.CANDIDATES, *step.BESIDE_FULL}
    assert rows[step.REFERENCE]["ratio"] == rows[step.SAME_MATRICES]["ratio_same_matrices"] == 1
    for name, row in rows.items():
        ratio = "ratio_full" if name in step.BESIDE_FULL else "ratio"
        assert row[f"{ratio}_p10"] <= row[ratio] <= row[f"{ratio}_p90"] and row["median_ms"] > 0
        assert 50e6 < row["peak_memory_bytes"] < 4e9
