"""Claims about loading: a usable folder gives a classifier, any other a `ModelError`."""

import json
import os
import pickle
import shutil

import pytest
import torch
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

from finegates.errors import ModelError
from finegates.nn.pretrained import load_pretrained, longest_input
from tests.toy_models import MODEL_TYPES, toy_model

LABELS = ("no", "maybe", "yes")


@pytest.fixture
def folder(toy_model_dir, tmp_path):
    """A copy of the toy model that a test may spoil."""
    return shutil.copytree(toy_model_dir, tmp_path / "model")


def refused(folder) -> str:
    with pytest.raises(ModelError) as caught:
        load_pretrained(str(folder), LABELS, "classification")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_folder_of_save_pretrained_gives_a_classifier_of_the_tasks_labels(toy_model_dir):
    model, tokenizer = load_pretrained(str(toy_model_dir), LABELS, "classification")
    assert model.config.id2label == dict(enumerate(LABELS))
    assert model.config.label2id == {label: i for i, label in enumerate(LABELS)}
    logits = model(**tokenizer(["The farmer sneezes."], return_tensors="pt")).logits
    assert logits.shape == (1, len(LABELS))


def test_a_number_to_predict_gives_one_output_and_a_squared_error(toy_model_dir):
    model, tokenizer = load_pretrained(str(toy_model_dir), (), "regression")
    batch = tokenizer(["The farmer sneezes."], return_tensors="pt")
    out = model.eval()(**batch, labels=torch.tensor([2.0]))
    assert out.logits.shape == (1, 1)
    torch.testing.assert_close(out.loss, (out.logits.squeeze() - 2.0) ** 2)


def test_the_weights_are_those_of_the_file(toy_model_dir):
    from safetensors.torch import load_file

    model, _ = load_pretrained(str(toy_model_dir), LABELS, "classification")
    name = "bert.encoder.layer.1.output.dense.weight"
    stored = load_file(toy_model_dir / "model.safetensors")[name]
    torch.testing.assert_close(model.state_dict()[name], stored, rtol=0, atol=0)


def test_the_same_seed_draws_the_same_head(toy_model_dir):
    heads = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        model, _ = load_pretrained(str(toy_model_dir), LABELS, "classification")
        heads.append(model.classifier.weight.detach())
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_weights_in_half_precision_are_read_in_full(folder, dtype):
    load_pretrained(str(folder), ("a", "b"), "classification")[0].to(dtype).save_pretrained(folder)
    model, _ = load_pretrained(str(folder), ("a", "b"), "classification")
    assert {p.dtype for p in model.parameters()} == {torch.float32}


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b"garbage of some length", None])
def test_damaged_weights_are_an_error_that_names_the_model(folder, content):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000] if content is None else content)
    assert str(folder) in refused(folder)


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json"])
def test_a_damaged_tokenizer_is_an_error_that_names_the_model(folder, name):
    (folder / name).write_bytes(b'{"half":')
    assert str(folder) in refused(folder)


def test_a_tokenizer_without_words_is_refused_for_it_would_read_nothing(folder):
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    (folder / "vocab.json").write_text("{}")
    assert "no tokenizer" in refused(folder)


def test_weights_of_other_shapes_are_an_error(folder):
    config = json.loads((folder / "config.json").read_bytes())
    (folder / "config.json").write_text(json.dumps({**config, "intermediate_size": 48}))
    assert str(folder) in refused(folder)


class Bomb:
    """Creates a folder when it is unpickled."""

    def __init__(self, path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("beside_damaged_safetensors", [False, True])
def test_a_pickle_is_not_run_even_as_a_way_out(folder, tmp_path, beside_damaged_safetensors):
    trace = tmp_path / "it ran"
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(trace)))
    if beside_damaged_safetensors:
        (folder / "model.safetensors").write_bytes(b"")
    else:
        (folder / "model.safetensors").unlink()
    refused(folder)
    assert not trace.exists()


def test_code_that_comes_with_a_model_is_not_run(folder, tmp_path):
    trace = tmp_path / "it ran"
    config = json.loads((folder / "config.json").read_bytes())
    config["auto_map"] = {"AutoModelForSequenceClassification": "evil.Model"}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "evil.py").write_text(f"import os\nos.mkdir({str(trace)!r})\nclass Model: ...\n")
    load_pretrained(str(folder), LABELS, "classification")
    assert not trace.exists()


@pytest.mark.parametrize(
    ("model_type", "positions", "longest"),
    [("bert", 64, 64), ("roberta", 66, 64), ("distilbert", 64, 64), ("xlm-roberta", 66, 64)],
)
def test_roberta_reads_fewer_tokens_than_it_has_positions(model_type, positions, longest):
    config = AutoConfig.for_model(model_type, max_position_embeddings=positions)
    assert longest_input(config) == longest


def test_a_missing_weight_of_the_encoder_is_refused_for_it_would_stay_random(folder):
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    del tensors["bert.encoder.layer.0.attention.self.query.weight"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    assert "attention.self.query.weight" in refused(folder)


def test_a_head_for_other_labels_is_replaced(folder):
    load_pretrained(str(folder), LABELS, "classification")[0].save_pretrained(folder)
    model, _ = load_pretrained(str(folder), ("no", "yes"), "classification")
    assert model.classifier.out_features == 2


def tuned(folder, names):
    """The folder as a classifier whose outputs have these names, as plain transformers saves it."""
    ids = dict(enumerate(names))
    model = AutoModelForSequenceClassification.from_pretrained(
        folder, id2label=ids, label2id={n: i for i, n in ids.items()}, ignore_mismatched_sizes=True
    )
    model.save_pretrained(folder)
    return model.eval()


def answers(model, tokenizer):
    """The probability of each name."""
    with torch.no_grad():
        logits = model.eval()(**tokenizer(["The farmer sneezes."], return_tensors="pt")).logits[0]
    return dict(zip(model.config.id2label.values(), logits.softmax(-1).tolist(), strict=True))


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_a_head_of_the_same_names_answers_the_same_in_the_order_of_the_data(
    model_type, toy_model_dir, tmp_path
):
    tokenizer = AutoTokenizer.from_pretrained(toy_model_dir)
    ids = dict(enumerate(("yes", "no", "maybe")))
    # one more, as Qwen2's tokenizer brings an end of text of its own
    sizes = {"vocab_size": len(tokenizer) + 1, "id2label": ids, "pad_token_id": 0}
    sizes |= {"label2id": {n: i for i, n in ids.items()}, "max_position_embeddings": 64}
    before = toy_model(model_type, **sizes)
    for part in (before, tokenizer):
        part.save_pretrained(tmp_path)
    if "token_type_ids" in tokenizer.model_input_names and model_type not in ("bert", "electra"):
        tokenizer.model_input_names = ["input_ids", "attention_mask"]
        tokenizer.save_pretrained(tmp_path)
    after, own = load_pretrained(str(tmp_path), LABELS, "classification")
    assert answers(after, own) == pytest.approx(answers(before, own), rel=1e-5)


@pytest.mark.parametrize("names", [("no", "never", "yes"), ("LABEL_0", "LABEL_1", "LABEL_2")])
def test_a_head_of_other_names_is_drawn_anew_and_kept_only_if_asked_for(folder, names):
    head = tuned(folder, names).classifier.weight
    heads = []
    for _ in range(2):
        torch.manual_seed(7)
        model, _ = load_pretrained(str(folder), LABELS, "classification")
        heads.append(model.classifier.weight)
    assert torch.equal(*heads) and not torch.equal(heads[0], head)
    assert heads[0].std() < 0.03 and not model.classifier.bias.any()
    with pytest.raises(ModelError, match="start_labels"):
        load_pretrained(str(folder), LABELS, "classification", start_labels=())
    order = ("yes", "no", "maybe")
    model, _ = load_pretrained(str(folder), LABELS, "classification", start_labels=order)
    assert torch.equal(model.classifier.weight, head[[1, 2, 0]])


def test_a_number_is_started_from_only_if_asked_for(folder):
    head = tuned(folder, ["price"]).classifier.weight
    assert not torch.equal(
        load_pretrained(str(folder), (), "regression")[0].classifier.weight, head
    )
    model, _ = load_pretrained(str(folder), (), "regression", start_labels=())
    assert torch.equal(model.classifier.weight, head)


def test_a_model_without_a_head_is_no_start(folder):
    from safetensors.torch import load_file, save_file

    tuned(folder, LABELS)
    tensors = load_file(folder / "model.safetensors")
    kept = {name: t for name, t in tensors.items() if not name.startswith("classifier")}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    load_pretrained(str(folder), LABELS, "classification")
    with pytest.raises(ModelError, match="no trained head"):
        load_pretrained(str(folder), LABELS, "classification", start_labels=())
