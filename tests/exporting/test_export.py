"""An exported run loads like any other model, in every way that people load models."""

import json
import pickle
import subprocess
import sys
import zipfile

import numpy as np
import onnx
import onnxruntime
import openvino
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

import finegates.auto  # noqa: F401  what the folder's card tells to import
from finegates import __version__
from finegates.cli import main
from finegates.errors import DataError, ModelError, RunError, SpecError
from finegates.exporting.export import export
from finegates.exporting.formats import FORMATS
from finegates.exporting.package import (
    FORMAT_FILES,
    FORMAT_TITLES,
    files_of,
    loading_lines,
    model_name,
    zipped,
)
from finegates.gates.cuts import Cut
from finegates.jobs.worker import execute
from finegates.measuring.candidates import attach_random_gates
from finegates.runs.folder import create_run
from finegates.runs.measurements import read_timings
from finegates.shrinking.cost import num_parameters
from finegates.shrinking.hardware import Hardware
from finegates.shrinking.onnx import export_onnx
from finegates.shrinking.shrink import prune, shrink
from finegates.spec import make_spec
from finegates.training.restore import restore_model

ONNX_FILE = FORMAT_FILES["onnx"]
QUICK = {"max_train_samples": 64, "batch_size": 16, "epochs": 1, "precision": "fp32"}
TEXTS = ["a fine film", "a dull and long one", "good"]


def finished_run(model_dir, folder, **changes):
    spec = make_spec({"model": str(model_dir), **QUICK, **changes})
    run = create_run(
        spec, {"labels": ["negative", "positive"], "problem": "classification"}, folder
    )
    status = execute(run, "cpu")
    assert status.state == "finished", status.reason
    return run


@pytest.fixture(scope="module")
def run(toy_model_dir, tmp_path_factory):
    return finished_run(
        toy_model_dir, tmp_path_factory.mktemp("runs"), method="finegates+lora", lora_rank=4
    )


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exports") / "model"
    facts = export(run, folder, cut=Cut(remove=0.4), formats=FORMATS)
    return folder, facts


@pytest.fixture(scope="module")
def expected(run):
    """Encoded texts, and the logits of the run's gates as masks."""
    model, tokenizer = restore_model(run)
    prune(model, Cut(remove=0.4))
    encoded = dict(tokenizer(TEXTS, padding=True, return_tensors="pt"))
    with torch.no_grad():
        return encoded, model(**encoded).logits.numpy()


def test_auto_classes_load_the_folder(exported, expected):
    model = AutoModelForSequenceClassification.from_pretrained(exported[0]).eval()
    encoded, logits = expected
    with torch.no_grad():
        assert np.abs(model(**encoded).logits.numpy() - logits).max() < 1e-5
    assert num_parameters(model) == exported[1]["shrunk_params"]
    assert model.config.id2label == {0: "negative", 1: "positive"}
    tokenizer = AutoTokenizer.from_pretrained(exported[0])
    again = tokenizer(TEXTS, padding=True, return_tensors="pt")["input_ids"]
    assert torch.equal(again, encoded["input_ids"])


@pytest.mark.slow
def test_a_fresh_process_needs_one_import(exported):
    code = (
        "import sys, finegates; assert 'torch' not in sys.modules\n"
        "import finegates.auto\n"
        "from transformers import pipeline\n"
        f"print(pipeline('text-classification', model={str(exported[0])!r})('good')[0]['label'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in ("negative", "positive")


def test_pipeline_answers_as_the_masked_model(exported, expected):
    answers = pipeline("text-classification", model=str(exported[0]))(TEXTS)
    names = ["negative", "positive"]
    assert [a["label"] for a in answers] == [names[i] for i in expected[1].argmax(1)]


def test_onnx_takes_what_the_tokenizer_gives_at_any_batch_and_length(exported, expected):
    session = onnxruntime.InferenceSession(str(exported[0] / ONNX_FILE))
    encoded, logits = expected
    feed = {name: value.numpy() for name, value in encoded.items()}
    assert {"token_type_ids"} < {i.name for i in session.get_inputs()} == {*feed}
    card = (exported[0] / "README.md").read_text()
    assert "`input_ids`, `token_type_ids`, `attention_mask`" in card
    assert np.abs(session.run(["logits"], feed)[0] - logits).max() < 1e-4
    one = {name: value[:1, :3] for name, value in feed.items()}
    assert session.run(["logits"], one)[0].shape == (1, 2)


ALONE = """
import sys
sys.modules["transformers"] = sys.modules["finegates"] = None
import torch

program = torch.export.load(sys.argv[1]).module()
torch.save([program(**inputs).detach() for inputs in torch.load(sys.argv[2])], sys.argv[3])
"""


def test_a_program_runs_with_torch_alone_at_any_batch_and_length(exported, expected, tmp_path):
    encoded, logits = expected
    parts = (slice(0, 3), slice(1, 2))
    given, got = tmp_path / "given.pt", tmp_path / "got.pt"
    torch.save([{name: tensor[rows] for name, tensor in encoded.items()} for rows in parts], given)
    file = exported[0] / FORMAT_FILES["pt2"]
    command = [sys.executable, "-c", ALONE, str(file), str(given), str(got)]
    subprocess.run(command, check=True, cwd=tmp_path)
    for rows, answers in zip(parts, torch.load(got), strict=True):
        np.testing.assert_allclose(answers.numpy(), logits[rows], atol=1e-5)


def test_openvino_takes_what_the_tokenizer_gives_at_any_batch_and_length(exported, expected):
    compiled = openvino.Core().compile_model(
        exported[0] / FORMAT_FILES["openvino"], "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    encoded, logits = expected
    for rows in (slice(0, 3), slice(1, 2)):
        given = {name: tensor[rows].numpy() for name, tensor in encoded.items()}
        np.testing.assert_allclose(compiled(given)["logits"], logits[rows], atol=1e-5)


def test_every_other_format_is_checked_and_on_the_card(exported):
    folder, facts = exported
    assert {*FORMATS} == {*FORMAT_FILES} == {*FORMAT_TITLES}
    assert {*FORMATS} < facts["checked"].keys()
    card = (folder / "README.md").read_text()
    for name, file in FORMAT_FILES.items():
        assert facts["checked"][name] < 1e-3 and facts["bytes"][file] > 0
        assert f"## {FORMAT_TITLES[name]}\n\n`{file}`" in card and FORMATS[name].lines in card


def test_an_unknown_format_is_refused_before_anything_is_made(run, tmp_path):
    with pytest.raises(SpecError, match="onnx, openvino, pt2"):
        export(run, tmp_path / "out", formats=["coreml"])
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_onnx_reads_rows_by_index_and_no_columns(toy_model_dir, tmp_path):
    model = AutoModelForSequenceClassification.from_pretrained(toy_model_dir)
    attach_random_gates(model)
    thrifty = Hardware(0, 0, 0, row_multiple=1, column_multiple=1, head_multiple=1)
    shrunk = shrink(model.eval(), remove=0.4, tuned_for=thrifty)
    export_onnx(shrunk, tmp_path / ONNX_FILE)
    gathers = [n for n in onnx.load(tmp_path / ONNX_FILE).graph.node if n.op_type == "Gather"]
    axes = [a.i for node in gathers for a in node.attribute if a.name == "axis"]
    indices = [name for name in shrunk.state_dict() if name.endswith(".index")]
    assert axes.count(0) >= len(indices) > 1 == axes.count(1)  # the one is the first token


@pytest.mark.parametrize("way", ["half", "pickle", "compile", "export", "hidden states"])
def test_what_people_do_with_models_works(exported, expected, way):
    model = AutoModelForSequenceClassification.from_pretrained(exported[0]).eval()
    encoded, logits = expected
    with torch.no_grad():
        if way == "half":
            assert torch.isfinite(model.half()(**encoded).logits).all()
        elif way == "hidden states":
            states = model(**encoded, output_hidden_states=True).hidden_states
            assert len(states) == model.config.num_hidden_layers + 1
        else:
            again = {
                "pickle": lambda: pickle.loads(pickle.dumps(model)),
                "compile": lambda: torch.compile(model, backend="eager"),
                "export": lambda: torch.export.export(model, (), kwargs=encoded).module(),
            }[way]()
            assert np.abs(again(**encoded).logits.numpy() - logits).max() < 1e-5


def test_facts_and_card_tell_the_same(exported):
    folder, facts = exported
    assert facts["removed_weights_fraction"] == pytest.approx(0.4, abs=0.02)
    assert facts["shrunk_params"] < facts["dense_params"]
    card = (folder / "README.md").read_text()
    assert f"{facts['shrunk_params']:,}" in card and "import finegates.auto" in card
    measured = facts["card"]
    assert measured["why_not"] == "" and "not measured" not in card
    scores = f"{100 * measured['dense_score']:.1f} -> {100 * measured['pruned_score']:.1f}"
    assert scores in card and f"{measured['timing']['speedup']:.2f}" in card


def test_a_card_without_data_says_what_was_not_measured(run, tmp_path, monkeypatch):
    def gone(_):
        raise DataError("There is no folder 'somewhere'.")

    monkeypatch.setattr("finegates.measuring.cutter.restore_splits", gone)
    facts = export(run, tmp_path / "out", cut=Cut(remove=0.15))
    card = (tmp_path / "out" / "README.md").read_text()
    assert "The score was not measured: There is no folder 'somewhere'. To measure" in card
    assert "15% of the weights removed" in card and facts["card"]["pruned_score"] is None


def test_a_card_is_quick_to_make_if_nothing_is_to_be_measured(run, tmp_path):
    export(run, tmp_path / "out", cut=Cut(remove=0.11), measured=False)
    assert "were not measured: it was not asked for" in (tmp_path / "out" / "README.md").read_text()


def test_what_is_recorded_of_a_cut_is_not_measured_again(run, tmp_path, monkeypatch):
    first = export(run, tmp_path / "first", cut=Cut(remove=0.25))
    timing = read_timings(run)[-1]
    assert first["card"]["timing"] == timing and timing["remove"] == 0.25
    for name in ("measured.bench", "measured.keep_timing"):
        monkeypatch.setattr(f"finegates.exporting.{name}", None)
    monkeypatch.setattr("finegates.measuring.evaluation.evaluate_cuts", None)
    again = export(run, tmp_path / "again", cut=Cut(remove=0.25))
    assert again["card"] == first["card"] == json.loads(json.dumps(again["card"]))


def test_the_cut_as_trained_has_the_runs_own_last_score(run, tmp_path):
    facts = export(run, tmp_path / "out")
    assert facts["card"]["pruned_score"] == run.status().score
    assert facts["card"]["metrics"] == run.status().metrics


def test_progress_goes_from_nothing_to_all(run, tmp_path):
    told = []
    export(run, tmp_path / "out", cut=Cut(remove=0.4), progress=lambda *at: told.append(at))
    assert told[0] == (0.0, "loading the model") and told[-1][1] == "checking what was written"
    assert [fraction for fraction, _ in told] == sorted(fraction for fraction, _ in told)


def test_the_readme_says_what_it_takes_and_its_lines_load_it(exported, monkeypatch):
    folder, facts = exported
    card = (folder / "README.md").read_text()
    assert "licence is Apache-2.0" in card and "pip install" in card and __version__ in card
    lines = loading_lines(facts["name"])
    assert lines in card and len(lines.replace("\n\n", "\n").splitlines()) == 3
    monkeypatch.chdir(folder.parent)
    scope: dict = {}
    exec(lines.replace(facts["name"], folder.name), scope)
    assert scope["classify"](TEXTS)[0]["label"] in ("negative", "positive")
    assert scope["classify"]("good " * 999, truncation=True)[0]["label"]


def test_a_zip_holds_one_folder_that_loads(exported, tmp_path):
    folder, facts = exported
    (tmp_path / "model.zip").write_bytes(zipped(folder, facts["name"]))
    with zipfile.ZipFile(tmp_path / "model.zip") as archive:
        archive.extractall(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"model.zip", facts["name"]}
    assert files_of(tmp_path / facts["name"]) == facts["bytes"] == files_of(folder)
    assert AutoModelForSequenceClassification.from_pretrained(tmp_path / facts["name"])


def test_a_model_is_named_by_data_method_and_what_was_removed(run):
    assert model_name(run, Cut(remove=0.3)) == "sample-finegates-lora-30pct"
    assert model_name(run, Cut(remove=0.0)) == "sample-finegates-lora-0pct"


@pytest.mark.parametrize("command", ["export", "prune"])
def test_a_place_that_can_not_be_is_said_before_the_work(run, tmp_path, capsys, command):
    (tmp_path / "file").write_text("keep")
    words = [command, run.id, "--runs-dir", str(run.path.parent), "--remove", "0.3"]
    for given in (str(tmp_path / "file"), "", str(run.path), str(run.path.parent / "new")):
        assert main([*words, "--out", given]) == 2
        told = capsys.readouterr().err
        assert told.startswith("error: ") and told.count("\n") == 1 and "folder" in told


def test_a_used_folder_is_refused_and_left_alone(run, tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(SpecError, match="not empty"):
        export(run, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_a_failed_export_leaves_nothing(run, tmp_path, monkeypatch):
    def fail(*_):
        raise ModelError("no onnx here")

    monkeypatch.setattr("finegates.exporting.export.write_formats", fail)
    with pytest.raises(ModelError, match="no onnx"):
        export(run, tmp_path / "out", cut=Cut(remove=0.3), formats=["onnx"], measured=False)
    assert not list(tmp_path.iterdir())


def test_a_dense_run_has_nothing_to_remove(toy_model_dir, tmp_path):
    dense = finished_run(toy_model_dir, tmp_path / "runs", method="lora", lora_rank=4)
    with pytest.raises(ModelError, match="without gates"):
        export(dense, tmp_path / "out", cut=Cut(remove=0.2))


def test_damaged_weights_are_told(toy_model_dir, tmp_path):
    broken = finished_run(toy_model_dir, tmp_path / "runs", method="finegates")
    (broken.path / "trained" / "trained.safetensors").write_bytes(b"\x00" * 100)
    with pytest.raises(RunError, match="can't be used"):
        export(broken, tmp_path / "out", cut=Cut(remove=0.2))
    assert not (tmp_path / "out").exists()


def test_command_line_exports(run, tmp_path, capsys):
    words = ["export", run.id, "--runs-dir", str(run.path.parent), "--remove", "0.3"]
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    facts = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert facts["run"] == run.id and (tmp_path / "out" / "config.json").is_file()
