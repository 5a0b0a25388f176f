"""A tokenizer and a model that do not fit are a sentence before the run, never its first batch."""

import json
import shutil

import pytest
from transformers import AutoModelForSequenceClassification, AutoTokenizer, BertTokenizerFast

from finegates.data.splits import load_splits
from finegates.errors import ModelError
from finegates.jobs.inputs import check_inputs
from finegates.nn.pretrained import load_pretrained
from finegates.spec import make_spec
from finegates.training.session import open_session
from tests.faults_reported.models import VOCABULARY, build, edit_config, write_rows
from tests.toy_models import toy_model

CASES = [
    ("bert_one_segment", {"paired": True}, "marks pairs with segments 0 to 1"),
    ("roberta_bert_tokenizer", {"paired": True}, "marks pairs with segments 0 to 1"),
    ("tokens_added_not_resized", {"added": True}, r"ids up to 34 \('zqfilm'\), .* for 34 tokens"),
    ("no_pad_token", {}, "no padding token"),
]


def spec_of(folder, **rows):
    data = write_rows(folder.parent / "rows.csv", **rows)
    return make_spec({"model": str(folder), "data": str(data), "method": "finegates"})


@pytest.mark.parametrize(("name", "rows", "words"), CASES)
def test_what_does_not_fit_is_a_sentence_before_a_run(tmp_path, name, rows, words):
    with pytest.raises(ModelError, match=words):
        check_inputs(spec_of(build(name, tmp_path), **rows))


@pytest.mark.parametrize(("name", "rows", "words"), CASES)
def test_and_where_only_transformers_can_read_the_tokenizer_when_it_is_loaded(
    tmp_path, monkeypatch, name, rows, words
):
    spec = spec_of(build(name, tmp_path), **rows)
    monkeypatch.setattr("finegates.jobs.inputs.check_tokenizer", lambda *_: None)
    check_inputs(spec)
    with pytest.raises(ModelError, match=words):
        open_session(spec, load_splits(spec), "cpu")


@pytest.mark.parametrize("name", ["bert_one_segment", "roberta_bert_tokenizer"])
def test_single_texts_have_one_segment_and_fit(tmp_path, name):
    check_inputs(spec_of(build(name, tmp_path)))


def test_the_advice_about_segments_works(tmp_path):
    folder = build("bert_one_segment", tmp_path)
    spec = spec_of(folder, paired=True)
    edit_config(folder, "tokenizer_config.json", model_input_names=["input_ids", "attention_mask"])
    check_inputs(spec)
    session = open_session(spec, load_splits(spec), "cpu")
    assert "token_type_ids" not in session.train_rows[0]


def test_the_advice_about_added_tokens_works(tmp_path):
    folder = build("tokens_added_not_resized", tmp_path)
    spec = spec_of(folder, added=True)
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model.resize_token_embeddings(len(tokenizer))
    for part in (model, tokenizer):
        part.save_pretrained(folder)
    check_inputs(spec)
    open_session(spec, load_splits(spec), "cpu")


def test_the_advice_about_padding_works(tmp_path):
    folder = build("no_pad_token", tmp_path)
    spec = spec_of(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.pad_token = "[PAD]"
    tokenizer.save_pretrained(folder)
    check_inputs(spec)
    open_session(spec, load_splits(spec), "cpu")


def test_padding_that_is_written_in_the_tokenizer_itself_counts(tmp_path):
    folder = build("no_pad_token", tmp_path)
    content = json.loads((folder / "tokenizer.json").read_text())
    content["padding"] = {
        "strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": None,
        "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]",
    }  # fmt: skip
    (folder / "tokenizer.json").write_text(json.dumps(content))
    spec = spec_of(folder)
    check_inputs(spec)
    open_session(spec, load_splits(spec), "cpu")


def test_roberta_counts_positions_by_the_padding_of_its_own_tokenizer(tmp_path):
    folder = build("roberta_bert_tokenizer", tmp_path)
    edit_config(folder, pad_token_id=1)
    with pytest.raises(ModelError, match="pads with id 0, its model counts positions by id 1"):
        check_inputs(spec_of(folder))


def test_the_older_classes_of_tokenizers_fit_without_a_word_of_padding(tmp_path):
    folder = tmp_path / "older"
    toy_model(vocab_size=len(VOCABULARY), max_position_embeddings=64).save_pretrained(folder)
    BertTokenizerFast(vocab=VOCABULARY).save_pretrained(folder)
    for paired in (False, True):
        check_inputs(spec_of(folder, paired=paired))
    settings = {"tokenizer_class": "BertTokenizer", "do_lower_case": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    check_inputs(spec_of(folder, paired=True))
    edit_config(folder, type_vocab_size=1)
    with pytest.raises(ModelError, match="type_vocab_size"):
        check_inputs(spec_of(folder, paired=True))


def test_distilbert_reads_no_segments_and_fits_any(tmp_path):
    folder = tmp_path / "distilbert"
    shutil.copytree(build("plain", tmp_path), folder)
    model = toy_model("distilbert", vocab_size=len(VOCABULARY), max_position_embeddings=64)
    model.save_pretrained(folder)
    spec = spec_of(folder, paired=True)
    check_inputs(spec)
    open_session(spec, load_splits(spec), "cpu")


def test_more_embeddings_than_tokens_are_usual(tmp_path):
    folder = build("plain", tmp_path)
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    model.resize_token_embeddings(len(VOCABULARY), pad_to_multiple_of=64)
    model.save_pretrained(folder)
    check_inputs(spec_of(folder))
    load_pretrained(str(folder), ("neg", "pos"), "classification")
