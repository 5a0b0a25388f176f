"""The benchmark of a training step tells what it says it tells; how fast anything is, no test does."""

import json

import pytest

from benchmarks import step


@pytest.mark.slow
def test_every_candidate_is_timed_beside_the_reference(toy_model_dir, monkeypatch, capsys):
    written = {}
    monkeypatch.setattr(step, "LENGTHS", (8,))
    monkeypatch.setattr(step, "write_result", written.__setitem__)
    step.main(["--device", "cpu", "--steps", "3", "--models", str(toy_model_dir)])
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert written["step.json"] == result
    rows = {row["candidate"]: row for row in result["steps"]}
    assert set(rows) == set(step.CANDIDATES)
    assert rows[step.REFERENCE]["ratio"] == 1
    for row in rows.values():
        assert row["ratio_p10"] <= row["ratio"] <= row["ratio_p90"] and row["median_ms"] > 0
        assert 50e6 < row["peak_memory_bytes"] < 4e9
