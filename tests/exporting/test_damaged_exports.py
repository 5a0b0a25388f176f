"""A shrunk model's folder loads whole, or a sentence tells what is wrong with it."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification, pipeline

import finegates.auto  # noqa: F401  what loading takes
from finegates.errors import ModelError
from finegates.measuring.candidates import attach_random_gates
from finegates.shrinking.hardware import Hardware
from finegates.shrinking.shrink import shrink
from tests.toy_models import save_toy_model, toy_inputs

THRIFTY = Hardware(0, 0, 0, row_multiple=1, column_multiple=1, head_multiple=1)
WEIGHTS, CONFIG = "model.safetensors", "config.json"
TOKENIZER = ("tokenizer.json", "tokenizer_config.json")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A dense model, and what two patterns of gates leave of it."""
    parent = tmp_path_factory.mktemp("models")
    dense = save_toy_model(parent / "dense")
    for name, seed in (("whole", 0), ("other", 1)):
        model = AutoModelForSequenceClassification.from_pretrained(dense)
        attach_random_gates(model, seed)
        shrink(model, remove=0.6, tuned_for=THRIFTY).save_pretrained(parent / name)
        for file in TOKENIZER:
            shutil.copy(dense / file, parent / name)
    return parent


@pytest.fixture
def folder(folders, tmp_path):
    """A copy that may be damaged."""
    return shutil.copytree(folders / "whole", tmp_path / "exported")


def by_class(folder):
    return AutoModelForSequenceClassification.from_pretrained(folder)


def by_pipeline(folder):
    return pipeline("text-classification", model=str(folder))


WAYS = pytest.mark.parametrize("load", [by_class, by_pipeline])


def refused(load, folder, *words):
    with pytest.raises(ModelError) as told:
        load(folder)
    message = str(told.value)
    assert str(folder) in message and "xport the run again" in message and "\n" not in message
    assert not [word for word in words if word not in message], message


def change_config(folder, change):
    content = json.loads((folder / CONFIG).read_text())
    change(content)
    (folder / CONFIG).write_text(json.dumps(content))


def change_weights(folder, change):
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})


@WAYS
def test_the_whole_folder_loads(load, folder):
    assert load(folder)


@WAYS
@pytest.mark.parametrize("length", [0, 100, -3000])
def test_weights_that_are_cut_off(load, folder, length):
    whole = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(whole[:length])
    refused(load, folder, "can't be read", WEIGHTS)


@WAYS
def test_weights_that_are_not_there(load, folder):
    (folder / WEIGHTS).unlink()
    refused(load, folder, "no file named", WEIGHTS)


@WAYS
def test_without_its_config_the_library_itself_says_so(load, folder):
    (folder / CONFIG).unlink()
    with pytest.raises(ValueError, match=r"config\.json") as told:
        load(folder)
    assert str(folder) in str(told.value)


@WAYS
@pytest.mark.parametrize("name", ["shrunk_layers", "shrunk_needs"])
@pytest.mark.parametrize("left", [None, 1])
def test_plans_that_are_missing(load, folder, name, left):
    change_config(folder, lambda c: c.update({name: left and c[name][:left]}))
    refused(load, folder, name, "2 layers", "none" if left is None else "1 of them")


@WAYS
def test_a_plan_that_is_damaged(load, folder):
    change_config(folder, lambda c: c["shrunk_layers"][0].pop("attention"))
    refused(load, folder, "plan", "attention")


@WAYS
@pytest.mark.parametrize("end", [".index", ".linear.weight", "classifier.bias"])
def test_a_tensor_that_is_missing_is_never_filled_in(load, folder, end):
    name = min(k for k in load_file(folder / WEIGHTS) if k.endswith(end))
    change_weights(folder, lambda tensors: tensors.pop(name))
    refused(load, folder, f"{name} is missing")


@WAYS
def test_weights_of_another_pattern(load, folder, folders):
    shutil.copy(folders / "other" / WEIGHTS, folder)
    refused(load, folder, "do not fit its config", "of shape")


@WAYS
def test_weights_of_the_dense_model(load, folder, folders):
    shutil.copy(folders / "dense" / WEIGHTS, folder)
    refused(load, folder, "do not fit its config")


def test_a_tensor_without_a_place_in_its_layers(folder):
    change_weights(folder, lambda t: t.update({"bert.encoder.layer.0.more": torch.ones(1)}))
    refused(by_class, folder, "layer.0.more is not in its plans")


def test_a_new_head_is_allowed_where_it_is_asked_for(folder):
    wanted = {"num_labels": 3}
    with pytest.raises(ModelError, match="classifier"):
        AutoModelForSequenceClassification.from_pretrained(folder, **wanted)
    model, report = AutoModelForSequenceClassification.from_pretrained(
        folder, **wanted, ignore_mismatched_sizes=True, output_loading_info=True
    )
    assert model(**toy_inputs()).logits.shape == (3, 3)
    assert {key for key, *_ in report["mismatched_keys"]} == {
        "classifier.weight", "classifier.bias",
    }  # fmt: skip
