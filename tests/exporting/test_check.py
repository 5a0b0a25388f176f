"""An exported folder that answers differently, or does not read what its tokenizer gives."""

import numpy as np
import onnx
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from finegates.errors import ModelError
from finegates.exporting import check
from finegates.exporting.check import check_folder, inputs_of
from finegates.exporting.package import FORMAT_FILES
from finegates.shrinking.onnx import export_onnx
from tests.toy_models import save_toy_model, toy_model

ONNX_FILE = FORMAT_FILES["onnx"]


@pytest.fixture
def folder(tmp_path):
    return save_toy_model(tmp_path / "model")


@pytest.fixture
def model(folder):
    return AutoModelForSequenceClassification.from_pretrained(folder).eval()


def change(folder, name, by):
    """Another model in the folder: one tensor of it differs."""
    other = AutoModelForSequenceClassification.from_pretrained(folder)
    with torch.no_grad():
        other.get_parameter(name).add_(by)
    other.save_pretrained(folder)


def test_the_same_model_agrees_to_rounding(folder, model):
    assert check_folder(folder, model)["torch"] < 1e-5


@pytest.mark.parametrize(
    "name", ["classifier.bias", "bert.embeddings.token_type_embeddings.weight"]
)
def test_a_folder_that_answers_differently_is_an_error(folder, model, name):
    change(folder, name, torch.randn(model.get_parameter(name).shape))
    with pytest.raises(ModelError, match="differently by torch"):
        check_folder(folder, model)


def test_a_difference_in_segments_is_seen_on_pairs_alone(folder, model):
    by = torch.zeros(2, 16)
    by[1] = torch.randn(16)
    change(folder, "bert.embeddings.token_type_embeddings.weight", by)
    with pytest.raises(ModelError, match="pairs.* differently by torch"):
        check_folder(folder, model)


def test_a_regression_far_from_nothing_is_compared_by_its_spread(folder):
    model = toy_model(num_labels=1, vocab_size=model_size(folder), max_position_embeddings=64)
    with torch.no_grad():
        model.classifier.bias.fill_(50.0)
    model.save_pretrained(folder)
    assert check_folder(folder, model)["torch"] < 1e-3
    change(folder, "classifier.bias", 0.05)  # a thousandth of the answers
    with pytest.raises(ModelError, match="differently"):
        check_folder(folder, model)


def model_size(folder):
    return len(AutoTokenizer.from_pretrained(folder))


def test_every_kind_of_question_is_asked(folder):
    asked = dict(check._batches(AutoTokenizer.from_pretrained(folder), 64))
    lengths = {name: encoded["input_ids"].shape for name, encoded in asked.items()}
    assert {rows for rows, _ in lengths.values()} == {1, 3}
    assert {name.split(",")[0] for name in asked} == {
        "short single texts", "short pairs", "long single texts", "long pairs",
    }  # fmt: skip
    assert max(tokens for _, tokens in lengths.values()) == 64
    for name, encoded in asked.items():
        assert ("pairs" in name) == bool(encoded["token_type_ids"].any())
        assert encoded["attention_mask"].all() == (encoded["input_ids"].shape[0] == 1)


@pytest.mark.slow
def test_onnx_without_segments_or_of_another_model_is_an_error(folder, model):
    export_onnx(model, folder / ONNX_FILE)
    with pytest.raises(ModelError, match="takes input_ids, attention_mask; the tokenizer gives"):
        check_folder(folder, model)
    other = AutoModelForSequenceClassification.from_config(model.config).eval()
    export_onnx(other, folder / ONNX_FILE, inputs_of(AutoTokenizer.from_pretrained(folder)))
    with pytest.raises(ModelError, match="differently by onnx"):
        check_folder(folder, model)


@pytest.mark.slow
def test_a_chunked_feed_forward_is_written_for_any_length(folder):
    chunked = toy_model(
        vocab_size=model_size(folder), max_position_embeddings=64, chunk_size_feed_forward=4
    )
    inputs = inputs_of(AutoTokenizer.from_pretrained(folder))
    export_onnx(chunked, folder / ONNX_FILE, inputs)
    assert chunked.bert.encoder.layer[0].chunk_size_feed_forward == 4
    assert [i.name for i in onnx.load(folder / ONNX_FILE).graph.input] == inputs
    plain = toy_model(vocab_size=model_size(folder), max_position_embeddings=64)
    plain.save_pretrained(folder)
    found = check_folder(folder, plain)
    assert np.isfinite(list(found.values())).all() and found["onnx"] < 1e-4
