"""Adapters, lost weights, pointers and exports given as models: each is called what it is."""

import re

import pytest
import torch
from transformers import (
    AutoConfig,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
)

from finegates import auto
from finegates.cli import main
from finegates.errors import ModelError
from finegates.jobs.inputs import check_inputs
from finegates.measuring.candidates import attach_random_gates
from finegates.nn.pretrained import load_pretrained
from finegates.shrinking.shrink import shrink
from finegates.spec import make_spec
from tests.faults_reported.models import (
    build,
    change_weights,
    edit_config,
    tokenizer,
    write_rows,
)

LABELS = ("neg", "pos")


def load(folder, start_labels=None):
    return load_pretrained(str(folder), LABELS, "classification", start_labels=start_labels)[0]


def refused(folder) -> str:
    """What is said before a run is made."""
    data = write_rows(folder.parent / "rows.csv")
    with pytest.raises(ModelError) as caught:
        check_inputs(make_spec({"model": str(folder), "data": str(data)}))
    message = str(caught.value)
    assert str(folder) in message and "\n" not in message
    return message


# Adapters


def logits(model):
    encoded = tokenizer()(["the film was dull", "the show was warm"], return_tensors="pt")
    with torch.no_grad():
        return model.eval()(**encoded).logits


def merged_as_told(message, folder, merged) -> None:
    """Carries out the code of a message."""
    code = re.search(r"(from peft import .*?save_pretrained\('merged'\))", message)
    assert code is not None
    text = code[1].replace("'merged'", repr(str(merged)))
    exec(text.replace("'adapter'", repr(str(folder / "adapter"))), {})
    tokenizer().save_pretrained(merged)


def test_an_adapter_alone_is_called_one_and_merged_as_the_sentence_says(tmp_path):
    folder = build("adapter_only", tmp_path)
    message = refused(folder)
    base = tmp_path / "plain"
    assert f"is an adapter (LORA) of the model '{base}', not a model" in message
    merged_as_told(message, folder, tmp_path / "merged")
    with_adapter = AutoModelForSequenceClassification.from_pretrained(folder)
    own = logits(load(tmp_path / "merged", LABELS))
    assert torch.allclose(own, logits(with_adapter), atol=1e-5)
    assert not torch.allclose(own, logits(load(base, LABELS)), atol=1e-3)


def test_a_model_with_an_adapter_is_refused_and_merged_as_the_sentence_says(tmp_path):
    folder = build("model_and_adapter", tmp_path)
    message = refused(folder)
    assert "holds a model and, in adapter_config.json, an adapter (LORA)" in message
    with_adapter = logits(AutoModelForSequenceClassification.from_pretrained(folder))
    (folder / "adapter").mkdir()
    for path in folder.glob("adapter_*"):
        path.rename(folder / "adapter" / path.name)
    load(folder)
    merged_as_told(message, folder, tmp_path / "merged")
    assert torch.allclose(logits(load(tmp_path / "merged", LABELS)), with_adapter, atol=1e-5)


def test_an_adapter_that_only_transformers_finds_is_refused_when_it_is_loaded(
    tmp_path, monkeypatch
):
    folder = build("model_and_adapter", tmp_path)
    monkeypatch.setattr("finegates.nn.pretrained.check_model", lambda name: {})
    with pytest.raises(ModelError, match="brings an adapter along .* merge_and_unload"):
        load(folder)


# Weights that have no place


def test_relative_positions_are_refused_before_a_run(tmp_path):
    message = refused(build("relative_positions", tmp_path))
    assert "positions of type 'relative_key_query'" in message and "'absolute'" in message


def test_any_weight_inside_the_encoder_that_would_be_dropped_is_named_and_counted(tmp_path):
    folder = build("relative_positions", tmp_path)
    edit_config(folder, position_embedding_type="absolute")
    with pytest.raises(ModelError, match=r"has 2 weights inside .*layer\.0\..*distance_embedding"):
        load(folder)


@pytest.mark.parametrize("name", ["bert.more.weight", "bert.embeddings.more.weight"])
def test_so_is_one_next_to_the_layers(tmp_path, name):
    folder = build("plain", tmp_path)
    change_weights(folder, lambda weights: weights.update({name: torch.ones(1)}))
    with pytest.raises(ModelError, match=f"has 1 weight inside .* {name}"):
        load(folder)


@pytest.mark.parametrize(
    "name", ["bert.embeddings.position_ids", "qa_outputs.weight", "score.bias"]
)
def test_constants_and_heads_of_other_tasks_may_go(tmp_path, name):
    folder = build("plain", tmp_path)
    change_weights(folder, lambda weights: weights.update({name: torch.ones(1)}))
    load(folder)


@pytest.mark.parametrize("model_type", ["roberta", "electra", "distilbert"])
@pytest.mark.parametrize("kind", [AutoModelForMaskedLM, AutoModelForTokenClassification])
def test_models_of_other_tasks_give_their_encoder(tmp_path, model_type, kind):
    folder = tmp_path / "other"
    dense = AutoConfig.from_pretrained(build("plain", tmp_path)).to_dict()
    sizes = {k: v for k, v in dense.items() if "size" in k or k.startswith(("num_", "max_"))}
    config = AutoConfig.for_model(model_type, **{**sizes, "pad_token_id": 0})
    kind.from_config(config).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    load(folder)


def test_a_bert_without_a_pooler_is_told_so(tmp_path):
    folder = tmp_path / "masked"
    config = AutoConfig.from_pretrained(build("plain", tmp_path))
    AutoModelForMaskedLM.from_config(config).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    with pytest.raises(ModelError, match="has no pooler .*masked language modelling"):
        load(folder)


def test_a_classifier_without_its_head_is_not_handed_out_as_trained(tmp_path):
    folder = build("plain", tmp_path)
    auto.load(folder)
    change_weights(folder, lambda weights: weights.pop("classifier.weight"))
    with pytest.raises(ModelError, match="lacks 1 weights .*classifier.weight.* random"):
        auto.load(folder)


# What is no model to train


def test_a_git_lfs_pointer_is_called_one(tmp_path):
    message = refused(build("git_lfs_pointer", tmp_path))
    assert "model.safetensors' is a git-lfs pointer" in message and "git lfs pull" in message


def test_an_exported_model_is_called_one(tmp_path):
    folder = tmp_path / "exported"
    model = AutoModelForSequenceClassification.from_pretrained(build("plain", tmp_path))
    attach_random_gates(model)
    shrink(model, remove=0.5).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    message = refused(folder)
    assert "finegates made smaller (finegates-bert)" in message and "the bert model" in message
    assert "Did you mean" not in message


def test_the_command_line_says_it_and_makes_no_run(tmp_path, runs_dir, capsys):
    folder = build("plain", tmp_path)
    edit_config(folder, model_type="albert")
    data = write_rows(tmp_path / "rows.csv")
    words = ["--model", str(folder), "--data", str(data), "--runs-dir", str(runs_dir)]
    assert main(["train", *words]) == 2
    said = capsys.readouterr().err
    assert "'albert' are not supported; supported types are bert," in said
    assert "Did you mean" not in said and not list(runs_dir.iterdir())


def test_an_exported_model_whose_weights_are_a_pointer_is_not_called_damaged(tmp_path):
    model = AutoModelForSequenceClassification.from_pretrained(build("plain", tmp_path))
    attach_random_gates(model)
    shrink(model, remove=0.5).save_pretrained(tmp_path / "exported")
    pointer = build("git_lfs_pointer", tmp_path) / "model.safetensors"
    (tmp_path / "exported" / "model.safetensors").write_bytes(pointer.read_bytes())
    with pytest.raises(ModelError, match="is a git-lfs pointer"):
        auto.load(tmp_path / "exported")
