"""What leaves the program answers as the run does, wherever and however it is written."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

import finegates.auto  # noqa: F401  what the exported folder takes
from finegates.cli import main
from finegates.exporting.package import FORMAT_FILES
from finegates.jobs.inputs import check_inputs
from finegates.jobs.worker import execute
from finegates.runs.folder import create_run
from finegates.spec import make_spec
from finegates.training.restore import restore_model
from tests.faults_reported.models import build, edit_config, write_rows

PAIRS = (["the film was bright", "the meal was dull and cold"], ["the show was warm", "the trip"])


def finished_run(model, data, runs_dir, **changes):
    settings = {"model": str(model), "data": str(data), "method": "finegates", "epochs": 1}
    spec = make_spec({**settings, "batch_size": 16, "precision": "fp32", **changes})
    run = create_run(*check_inputs(spec), runs_dir)
    status = execute(run, "cpu")
    assert status.state == "finished", status.reason
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    data = write_rows(folder / "pairs.csv", paired=True)
    return finished_run(build("plain", folder / "models"), data, folder / "runs")


def words_of(run, *more):
    return ["export", run.id, "--runs-dir", str(run.path.parent), "--no-measure", *more]


@pytest.mark.slow
@pytest.mark.parametrize("chunks", [0, 4])
def test_onnx_and_the_folder_take_the_tokenizers_output_and_answer_alike(tmp_path, capsys, chunks):
    model = build("plain", tmp_path)
    edit_config(model, chunk_size_feed_forward=chunks)
    data = write_rows(tmp_path / "pairs.csv", paired=True)
    run = finished_run(model, data, tmp_path / "runs")
    out = tmp_path / "model"
    assert main(words_of(run, "--remove", "0.2", "--onnx", "--out", str(out))) == 0
    facts = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert facts["checked"].keys() == {"torch", "onnx"} and max(facts["checked"].values()) < 1e-3
    encoded = AutoTokenizer.from_pretrained(out)(*PAIRS, padding=True, return_tensors="pt")
    session = onnxruntime.InferenceSession(str(out / FORMAT_FILES["onnx"]))
    assert {i.name for i in session.get_inputs()} == {*encoded} and "token_type_ids" in encoded
    with torch.no_grad():
        by_torch = AutoModelForSequenceClassification.from_pretrained(out)(**encoded).logits.numpy()
    by_onnx = session.run(["logits"], {name: t.numpy() for name, t in encoded.items()})[0]
    assert np.abs(by_torch - by_onnx).max() < 1e-3 * np.abs(by_torch).max()
    swapped = {**encoded, "token_type_ids": 1 - encoded["token_type_ids"]}
    others = session.run(["logits"], {name: t.numpy() for name, t in swapped.items()})[0]
    assert np.abs(others - by_onnx).max() > 1e-3, "segments decide nothing: the test sees nothing"


@pytest.mark.parametrize("place", ["here", "new/deep", "link", "home"])
def test_export_writes_to_odd_places(run, tmp_path, monkeypatch, capsys, place):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path))
    given = {"here": ".", "new/deep": "../new/deep", "link": "../link/", "home": "~/model"}[place]
    assert main(words_of(run, "--out", given)) == 0
    folder = json.loads(capsys.readouterr().out.splitlines()[-1])["folder"]
    assert Path(folder).is_absolute() and AutoModelForSequenceClassification.from_pretrained(folder)
    assert not list(Path(folder).glob(".*"))


@pytest.mark.parametrize("command", ["export", "prune"])
@pytest.mark.parametrize("place", ["", "file", "file/in", "link to a file", "used", "run", "runs"])
def test_places_that_can_not_be_are_a_sentence(run, tmp_path, capsys, command, place):
    (tmp_path / "file").write_text("keep")
    (tmp_path / "link to a file").symlink_to(tmp_path / "file")
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "mine").write_text("keep")
    places = {"": "", "run": str(run.path / "model"), "runs": str(run.path.parent / "model")}
    given = places.get(place, str(tmp_path / place))
    words = [command, run.id, "--runs-dir", str(run.path.parent), "--remove", "0.2"]
    before = sorted(tmp_path.rglob("*")), sorted(run.path.rglob("*"))
    assert main([*words, "--out", given]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ") and told.count("\n") == 1
    assert (sorted(tmp_path.rglob("*")), sorted(run.path.rglob("*"))) == before


@pytest.mark.parametrize("out", ["", ".", "~", "no/such/folder/a.html"])
def test_a_report_to_an_odd_place_is_a_sentence(run, tmp_path, monkeypatch, capsys, out):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert main(["report", run.id, "--runs-dir", str(run.path.parent), "--out", out]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ") and told.count("\n") == 1 and not list(tmp_path.iterdir())


def test_a_table_is_printed_to_an_ascii_terminal(run):
    words = [sys.executable, "-m", "finegates", "table", "--runs-dir", str(run.path.parent)]
    done = subprocess.run(
        words, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"}
    )
    assert done.returncode == 0, done.stderr.decode()
    assert b"n=1" in done.stdout and done.stdout.isascii()


def test_a_run_of_a_chunked_model_reads_any_length(tmp_path):
    model = build("plain", tmp_path)
    edit_config(model, chunk_size_feed_forward=4)
    run = finished_run(model, write_rows(tmp_path / "rows.csv"), tmp_path / "runs")
    restored, tokenizer = restore_model(run)
    assert torch.isfinite(restored(**tokenizer("the film", return_tensors="pt")).logits).all()
