"""A standalone folder answers as its model where finegates can't be imported, and only there."""

import importlib.util
import json
import os
import subprocess
import sys
import tomllib
from functools import partial
from pathlib import Path

import pytest
import torch
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer, pipeline

import finegates
import finegates.auto
from finegates.cli import main
from finegates.errors import ModelError
from finegates.exporting.check import check_folder
from finegates.exporting.check_standalone import answers_without_finegates
from finegates.exporting.export import export
from finegates.exporting.package import CODE_FILE, standalone_lines
from finegates.exporting.standalone import NEEDS, add_code, standalone_code
from finegates.gates.cuts import Cut
from finegates.measuring.candidates import attach_random_gates
from finegates.shrinking.classes import shrunk_class
from finegates.shrinking.hardware import Hardware
from finegates.shrinking.models import MODELS
from finegates.shrinking.shrink import prune, shrink
from tests.exporting.test_export import finished_run
from tests.toy_models import (
    DECODER_TYPES,
    ENCODER_TYPES,
    MODEL_TYPES,
    save_toy_model,
    toy_inputs,
    toy_language_model,
    toy_model,
)

MAKE = {
    **{kind: partial(toy_model, kind) for kind in MODEL_TYPES},
    **{f"{kind}, language model": partial(toy_language_model, kind) for kind in DECODER_TYPES},
}
EVERY_MODEL = pytest.mark.parametrize("name", MAKE)
THRIFTY = Hardware(0, 0, 0, row_multiple=1, column_multiple=1, head_multiple=1)
PLANTED = "open({trace!r}, 'w').close()\nPlanted = None\n"
PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]


def save(model, folder):
    """A standalone folder, without a tokenizer, of a model's gates."""
    folder.mkdir()
    shrunk = shrink(model, tuned_for=THRIFTY)
    add_code(shrunk, folder)
    shrunk.save_pretrained(folder)
    return folder


def gated(model, **gates):
    attach_random_gates(model, **gates)
    prune(model.eval(), Cut(remove=0.5))
    return model


@torch.no_grad()
def logits(model, inputs=None):
    return model(**(inputs or toy_inputs())).logits


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A standalone folder with a tokenizer, and its model."""
    parent = tmp_path_factory.mktemp("models")
    dense = save_toy_model(parent / "dense")
    model = gated(AutoModelForSequenceClassification.from_pretrained(dense))
    folder = save(model, parent / "alone")
    AutoTokenizer.from_pretrained(dense).save_pretrained(folder)
    return folder, model


@pytest.fixture
def copied(whole, tmp_path):
    """A copy that may be changed."""
    folder = tmp_path / "copy"
    folder.mkdir()
    for path in whole[0].iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture
def without_finegates(monkeypatch):
    """To import anything of ours is an error."""
    for name in {"finegates", *(n for n in sys.modules if n.startswith("finegates."))}:
        monkeypatch.setitem(sys.modules, name, None)


@EVERY_MODEL
def test_the_code_gives_the_models_logits_without_finegates(name, tmp_path, request, monkeypatch):
    model = gated(MAKE[name]())
    folder, expected = save(model, tmp_path / "alone"), logits(model)
    named = json.loads((folder / "config.json").read_text())["auto_map"]
    request.getfixturevalue("without_finegates")
    spec = importlib.util.spec_from_file_location("alone", folder / CODE_FILE)
    code = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "alone", code)
    spec.loader.exec_module(code)
    config, kind = (getattr(code, one.split(".")[1]) for one in named.values())
    loaded = kind.from_pretrained(folder).eval()
    assert type(loaded.config) is config and kind.__module__ == config.__module__ == "alone"
    seen = toy_inputs()["attention_mask"].bool() if expected.ndim == 3 else slice(None)
    assert (logits(loaded) - expected)[seen].abs().max() < 1e-5 * expected[seen].abs().max()


@EVERY_MODEL
def test_the_code_is_made_alike_each_time_and_is_clean(name, tmp_path):
    kind = shrunk_class(MAKE[name]())
    source = standalone_code(kind)
    assert source == standalone_code(kind) and finegates.__version__ in source
    assert f"transformers {NEEDS['transformers']}" in source.splitlines()[3]
    (tmp_path / CODE_FILE).write_text(source)
    ruff = [sys.executable, "-m", "ruff"]
    options = ["--isolated", "--line-length=100", "--no-cache", str(tmp_path / CODE_FILE)]
    for words in (["check", "--select=E,F,I,UP"], ["format", "--check"]):
        done = subprocess.run([*ruff, *words, *options], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
    others = [one.__name__ for one in MODELS.values() if one is not kind]
    assert not [other for other in others if f"{other}," in source or f" {other} = " in source]


def test_it_needs_what_finegates_needs():
    asked = {one.name: one.specifier for one in map(Requirement, PROJECT["dependencies"])}
    asked["python"] = SpecifierSet(PROJECT["requires-python"])
    assert {name: SpecifierSet(versions) for name, versions in NEEDS.items()} == {
        name: asked[name] for name in NEEDS
    }


@pytest.mark.parametrize("trusted", [None, False, True])
def test_with_finegates_the_folder_loads_as_any_and_its_code_is_never_run(
    whole, copied, tmp_path, trusted
):
    trace = tmp_path / "trace"
    (copied / CODE_FILE).write_text(PLANTED.format(trace=str(trace)))
    inputs = dict(AutoTokenizer.from_pretrained(copied)("a", "good", return_tensors="pt"))
    options = {} if trusted is None else {"trust_remote_code": trusted}
    for load in (AutoModelForSequenceClassification.from_pretrained, finegates.load):
        model = load(copied, **options)
        assert type(model) is MODELS["bert"] and type(model.config) is MODELS["bert"].config_class
        assert (logits(model.eval(), inputs) - logits(whole[1], inputs)).abs().max() < 1e-5
    assert pipeline("text-classification", model=str(copied), **options)("good")
    assert not trace.exists()


def test_code_of_a_type_that_is_not_ours_is_refused_without_a_question(copied, tmp_path):
    trace, file = tmp_path / "trace", copied / "config.json"
    (copied / CODE_FILE).write_text(PLANTED.format(trace=str(trace)))
    file.write_text(json.dumps({**json.loads(file.read_text()), "model_type": "finegates-other"}))
    with pytest.raises(ValueError, match="trust_remote_code"):
        finegates.load(copied)
    assert not trace.exists()


def test_code_of_the_base_model_does_not_go_with_a_smaller_one():
    model = gated(toy_model())
    model.config.auto_map = {"AutoConfig": "planted.Planted"}
    model.config.custom_pipelines = {"text-classification": {"impl": "planted.Planted"}}
    content = shrink(model).config.to_dict()
    assert "auto_map" not in content and "custom_pipelines" not in content


@pytest.mark.slow
def test_every_type_loads_in_a_process_that_can_not_import_finegates(tmp_path):
    code = (
        "import sys; sys.modules['finegates'] = None\n"
        "import torch\n"
        "from transformers import AutoConfig\n"
        "from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification\n"
        "questions = torch.load('questions')\n"
        "for name in sys.argv[1:]:\n"
        "    config = AutoConfig.from_pretrained(name, trust_remote_code=True)\n"
        "    writes = 'AutoModelForCausalLM' in config.auto_map\n"
        "    Auto = AutoModelForCausalLM if writes else AutoModelForSequenceClassification\n"
        "    model = Auto.from_pretrained(name, trust_remote_code=True).eval()\n"
        "    assert type(model.config) is type(config)\n"
        "    model.save_pretrained(name + '-again')\n"
        "    again = Auto.from_pretrained(name + '-again', trust_remote_code=True).eval()\n"
        "    with torch.no_grad():\n"
        "        logits = [m(**questions).logits for m in (model, again)]\n"
        "    torch.save(torch.stack(logits), name + '.logits')\n"
    )
    torch.save(toy_inputs(), tmp_path / "questions")
    models = {name: gated(make()) for name, make in MAKE.items()}
    units = ("hidden", "heads", "neurons")
    models |= {f"narrow-{one}": gated(toy_model(one), units=units) for one in ENCODER_TYPES}
    models["narrow-projected"] = gated(toy_model("electra", embedding_size=8), units=units)
    for name, model in models.items():
        save(model, tmp_path / name)
    done = subprocess.run(
        [sys.executable, "-c", code, *models], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "HF_MODULES_CACHE": str(tmp_path / "modules")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for name, model in models.items():
        given, expected = torch.load(tmp_path / f"{name}.logits"), logits(model)
        seen = toy_inputs()["attention_mask"].bool() if expected.ndim == 3 else slice(None)
        given, expected = given[:, seen], expected[seen]
        assert (given - expected).abs().max() < 1e-5 * expected.abs().max(), name


@pytest.mark.slow
def test_a_folder_is_checked_where_finegates_can_not_be_imported(whole, copied):
    assert check_folder(*whole)["standalone"] < 1e-5
    good = (copied / CODE_FILE).read_text()
    (copied / CODE_FILE).write_text(
        good.replace("return self.linear(x", "return 2 * self.linear(x")
    )
    with pytest.raises(ModelError, match="differently by standalone"):
        check_folder(copied, whole[1])
    (copied / CODE_FILE).write_text(f"from finegates.errors import ModelError\n{good}")
    with pytest.raises(ModelError, match="without finegates: .*finegates.* Nothing was written"):
        answers_without_finegates(copied, {})


@pytest.mark.slow
def test_command_line_exports_what_loads_without_finegates(tmp_path, capsys):
    base = save_toy_model(tmp_path / "base")
    file = base / "tokenizer_config.json"
    planted = {"auto_map": {"AutoTokenizer": ["planted.Planted", "planted.Planted"]}}
    file.write_text(json.dumps({**json.loads(file.read_text()), **planted}))
    run = finished_run(base, tmp_path / "runs", method="finegates")
    words = ["export", run.id, "--runs-dir", str(run.path.parent), "--remove", "0.3"]
    folder = tmp_path / "out"
    assert main([*words, "--no-measure", "--standalone", "--out", str(folder)]) == 0
    facts = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert facts["checked"].keys() == {"torch", "standalone"} and CODE_FILE in facts["bytes"]
    assert max(facts["checked"].values()) < 1e-3
    assert "auto_map" not in json.loads((folder / "tokenizer_config.json").read_text())
    card = (folder / "README.md").read_text()
    assert standalone_lines(facts["name"]) in card and NEEDS["transformers"] in card
    assert type(AutoConfig.from_pretrained(folder)) is MODELS["bert"].config_class


def test_only_a_standalone_export_has_code(toy_model_dir, tmp_path):
    run = finished_run(toy_model_dir, tmp_path / "runs", method="finegates")
    export(run, tmp_path / "out", cut=Cut(remove=0.3), measured=False)
    assert not (tmp_path / "out" / CODE_FILE).exists()
    assert "auto_map" not in json.loads((tmp_path / "out" / "config.json").read_text())
    assert "trust_remote_code" not in (tmp_path / "out" / "README.md").read_text()
