"""Claims about what a run records of its base model."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from finegates.errors import ModelError
from finegates.models import digests
from finegates.models.digests import file_digest
from finegates.models.record import REVISION, check_unchanged, model_record
from finegates.models.sources import EMBEDDED_MODEL, find_model
from finegates.nn.pretrained import load_pretrained


@pytest.fixture
def folder(toy_model_dir, tmp_path):
    return shutil.copytree(toy_model_dir, tmp_path / "model")


def test_a_folder_is_known_by_its_weights_config_and_tokenizer(folder):
    record = model_record(str(folder))
    weights = (folder / "model.safetensors").read_bytes()
    assert set(record) == {"weights", "config", "tokenizer"}
    assert record["weights"] == hashlib.sha256(weights).hexdigest()
    check_unchanged(str(folder), record)


def test_the_embedded_models_digest_is_that_of_its_file():
    weights = Path(find_model(EMBEDDED_MODEL).location) / "model.safetensors"
    assert model_record(EMBEDDED_MODEL)["weights"] == file_digest(weights)


def test_shards_count_with_their_names(folder):
    whole = model_record(str(folder))["weights"]
    places = {"a": "one.safetensors", "b": "two.safetensors"}
    (folder / "model.safetensors").rename(folder / "one.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    shutil.copy(folder / "one.safetensors", folder / "two.safetensors")
    both = model_record(str(folder))["weights"]
    (folder / "two.safetensors").write_bytes(b"other")
    assert len({whole, both, model_record(str(folder))["weights"]}) == 3


def test_what_is_not_read_does_not_count(folder):
    record = model_record(str(folder))
    for name in ("README.md", "training_args.bin", "vocab.txt"):  # a tokenizer.json is there
        (folder / name).write_text("more")
    check_unchanged(str(folder), record)


def test_what_an_older_run_did_not_record_is_not_compared(folder):
    check_unchanged(str(folder), {})
    with pytest.raises(ModelError, match="The config of .* recorded 0000"):
        check_unchanged(str(folder), {"config": "0" * 64})


def test_a_file_is_read_once_while_it_is_not_written_to(tmp_path, monkeypatch):
    path, reads = tmp_path / "a", []
    path.write_bytes(b"1")
    whole = hashlib.file_digest
    monkeypatch.setattr(digests.hashlib, "file_digest", lambda *a: reads.append(1) or whole(*a))
    assert file_digest(path) == file_digest(path) and len(reads) == 1
    path.write_bytes(b"22")
    assert file_digest(path) == hashlib.sha256(b"22").hexdigest() and len(reads) == 2


# Models of the hub, from a cache as the hub's client lays it out


@pytest.fixture
def hub(toy_model_dir, tmp_path, monkeypatch):
    """A repository with two commits; main is the second, whose weights differ."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.file_download.constants.HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / "models--someone--toy"
    commits = ["a" * 40, "b" * 40]
    for commit in commits:
        shutil.copytree(toy_model_dir, repository / "snapshots" / commit)
    config = repository / "snapshots" / commits[1] / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "hidden_act": "relu"}))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commits[1])
    return "someone/toy", commits


def test_a_model_of_the_hub_is_known_by_its_commit(hub):
    name, commits = hub
    assert model_record(name) == {REVISION: commits[1]}
    assert model_record("someone/never-seen") == {}


def test_a_run_loads_the_commit_that_it_has_recorded(hub, monkeypatch):
    name, commits = hub
    loaded = [
        load_pretrained(name, ("a", "b"), "classification", recorded={REVISION: commit})[0]
        for commit in commits
    ]
    assert [model.config.hidden_act for model in loaded] == ["gelu", "relu"]


def test_a_folder_in_the_place_of_a_model_of_the_hub_is_another_model(folder):
    with pytest.raises(ModelError, match="The revision of .* changed"):
        check_unchanged(str(folder), {REVISION: "a" * 40})
