"""The prepared run on a GPU, rehearsed: a part that fails takes nothing with it."""

import json
import shutil

import pytest
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification

from benchmarks.gpu import real_run
from benchmarks.gpu.__main__ import PARTS, main
from benchmarks.gpu.report import CUT_OFF, DONE, FAILED, Report, judged, verdict
from scripts import pack_for_gpu

RESULT = "gpu-rehearsal.json"
CPU = ["--device", "cpu", "--small"]


@pytest.mark.slow
def test_every_part_runs_to_its_end_on_the_cpu(tmp_path, monkeypatch):
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)  # pytest runs in one of the parts
    code = main([*CPU, "--out", str(tmp_path), "--seconds", "1500"])
    parts = json.loads((tmp_path / RESULT).read_text())["parts"]
    assert {name: part["state"] for name, part in parts.items()} == dict.fromkeys(PARTS, DONE), {
        name: part["said"] for name, part in parts.items()
    }
    assert code == 0
    tests = parts["tests"]["rows"]
    assert len(tests) > 40 and {row["outcome"] for row in tests} == {"passed"}
    first, second = parts["real run"]["rows"]
    assert first["device"] == second["device"] == "cpu" and second["started"] >= first["ended"]
    assert {row["remove"] for row in parts["speed"]["rows"]} == {0.0, 0.4}
    assert all(
        row["compiled"] for name in ("compiled", "compiled steps") for row in parts[name]["rows"]
    )
    assert parts["steps"]["profile of finegates"]["kernels"] > 100
    assert "product_tflops" in parts["machine"]


def test_a_part_without_time_is_cut_off_and_the_result_is_whole(tmp_path, capsys):
    assert main([*CPU, "--out", str(tmp_path), "--seconds", "0.2", "--parts", "machine,speed"]) == 1
    parts = json.loads((tmp_path / RESULT).read_text())["parts"]
    assert {part["state"] for part in parts.values()} == {CUT_OFF}
    assert "no time was left" in parts["speed"]["said"]
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == [
        "machine",
        "speed",
    ]


@pytest.mark.slow
def test_a_part_that_fails_says_why_and_the_next_one_runs(tmp_path):
    words = ["--device", "cpu", "--model", str(tmp_path / "none"), "--parts", "real run,machine"]
    assert main([*words, "--out", str(tmp_path)]) == 1
    parts = json.loads((tmp_path / RESULT).read_text())["parts"]
    assert parts["real run"]["state"] == FAILED and "does not exist" in parts["real run"]["said"]
    assert parts["machine"]["state"] == DONE


def test_an_unknown_part_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main([*CPU, "--out", str(tmp_path), "--parts", "sped"])
    assert "no part sped" in capsys.readouterr().err


def test_parts_of_an_earlier_call_stay_on_the_same_machine_only(tmp_path):
    report = Report(tmp_path / "a.json")
    report.begin({"date": "1", "gpu": "x"})
    report.start("a", 5.0)
    report.add("a", {"row": 1})
    report.begin({"date": "2", "gpu": "x"})
    assert report.part("a")["rows"] == [{"row": 1}]
    report.start("a", 5.0)
    assert report.part("a")["rows"] == []
    report.begin({"date": "2", "gpu": "y"})
    assert "state" not in report.part("a")


def test_goals_are_judged():
    rows = [judged(0.9, 0.9), judged(1.03, 1.02, at_most=True), {}]
    assert [row.get("met") for row in rows] == [True, False, None]
    assert verdict(rows) == "1 of 2 goals met" and verdict([{}]) == "no goals"


@pytest.fixture
def packing(tmp_path, monkeypatch):
    """A repository of our own to pack in."""
    monkeypatch.setattr(pack_for_gpu, "REPOSITORY", tmp_path)
    monkeypatch.setattr(pack_for_gpu, "PACKED", tmp_path / ".gpu")
    monkeypatch.setattr(pack_for_gpu, "_LEFT_BEHIND", tmp_path / ".away")
    (tmp_path / "cached_runs").mkdir()
    (tmp_path / "cached_runs" / "run").write_text("mine")
    return tmp_path


def test_what_goes_along_is_enough_and_run_folders_come_back(packing, glue_dir, monkeypatch):
    monkeypatch.setattr(pack_for_gpu, "size_of_copy", lambda: 1)
    pack_for_gpu.main(["--glue-dir", str(glue_dir)])
    assert not (packing / "cached_runs").exists()
    folder = packing / ".gpu" / "glue" / "SST-2"
    assert len((folder / "train.tsv").read_text().splitlines()) == real_run.TRAIN_ROWS + 1
    assert (folder / "dev.tsv").read_bytes() == (glue_dir / "SST-2" / "dev.tsv").read_bytes()
    weights = packing / ".gpu" / "minilm" / "model.safetensors"
    assert weights.stat().st_size < 50e6
    assert {str(t.dtype) for t in load_file(weights).values() if t.is_floating_point()} == {
        "torch.float16"
    }
    AutoModelForSequenceClassification.from_pretrained(weights.parent)
    pack_for_gpu.main(["--undo"])
    assert (packing / "cached_runs" / "run").read_text() == "mine"
    assert sorted(p.name for p in packing.iterdir()) == ["cached_runs"]


def test_nothing_is_overwritten_when_run_folders_come_back(packing):
    pack_for_gpu.leave_behind()
    (packing / "cached_runs").mkdir()
    with pytest.raises(SystemExit, match="by hand"):
        pack_for_gpu.main(["--undo"])
    assert (packing / ".away" / "cached_runs" / "run").read_text() == "mine"


def test_too_much_is_refused(packing, glue_dir, monkeypatch):
    monkeypatch.setattr(pack_for_gpu, "size_of_copy", lambda: pack_for_gpu.LIMIT_BYTES + 1)
    monkeypatch.setattr(pack_for_gpu, "pack_model", lambda folder: None)
    with pytest.raises(SystemExit, match="64 MiB"):
        pack_for_gpu.main(["--glue-dir", str(glue_dir)])
    shutil.rmtree(packing / ".away")
