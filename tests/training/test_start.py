"""A run from a fine-tuned model: begins as that model is, stands on its own, and answers for it."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from finegates.data.splits import load_splits
from finegates.errors import FineGatesError, ModelError, RunError, SpecError
from finegates.jobs.inputs import check_inputs
from finegates.jobs.worker import execute
from finegates.runs.folder import create_run
from finegates.runs.predictions import read_predictions, read_reference
from finegates.runs.status import STOP_FILE, write_status
from finegates.spec import make_spec
from finegates.training.label_scale import LabelScale
from finegates.training.restore import restore_model
from finegates.training.session import open_session
from finegates.training.start import start_state
from tests.toy_models import toy_inputs, toy_model
from tests.training.stopping import stopped_and_resumed

pytestmark = pytest.mark.usefixtures("one_thread")

QUICK = {
    "max_train_samples": 96, "batch_size": 16, "epochs": 1, "precision": "fp32", "device": "cpu",
    "dropout": 0.0,
}  # fmt: skip


@pytest.fixture
def make_run(toy_model_dir, runs_dir):
    def make(**changes):
        if "start_from" not in changes:
            changes.setdefault("model", str(toy_model_dir))
        spec = make_spec({**QUICK, **changes})
        return create_run(*check_inputs(spec, runs_dir=runs_dir), runs_dir)

    return make


def finished(run):
    status = execute(run, "cpu")
    assert status.state == "finished", status.reason
    return status


@pytest.fixture
def tuned(toy_model_dir, tmp_path):
    """A folder of a classifier of the sample, by plain transformers, its labels the other way."""

    def save(names=None, bias=0.0):
        labels = load_splits(make_spec({})).labels
        names = labels[::-1] if names is None else names
        ids = dict(enumerate(names))
        folder = shutil.copytree(toy_model_dir, tmp_path / f"tuned-{len(list(tmp_path.iterdir()))}")
        model = AutoModelForSequenceClassification.from_pretrained(
            folder, id2label=ids, label2id={name: i for i, name in ids.items()},
            ignore_mismatched_sizes=True,
        )  # fmt: skip
        torch.manual_seed(3)
        torch.nn.init.normal_(model.classifier.weight, std=0.5)
        torch.nn.init.constant_(model.classifier.bias, bias)
        if len(names) > 1:  # each is answered to some rows
            tokenizer = AutoTokenizer.from_pretrained(folder)
            texts = list(load_splits(make_spec({})).validation["text"])
            with torch.no_grad():
                logits = model.eval()(**tokenizer(texts, padding=True, return_tensors="pt")).logits
                model.classifier.bias.sub_(logits.median(0).values)
        model.save_pretrained(folder)
        return folder

    return save


def named_answers(folder, frame):
    """What a folder's model answers by plain transformers: names, or numbers."""
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    encoded = tokenizer(list(frame["text"]), padding=True, return_tensors="pt")
    with torch.no_grad():
        logits = model(**encoded).logits
    if logits.shape[1] == 1:
        return logits[:, 0].tolist()
    return [model.config.id2label[i] for i in logits.argmax(-1).tolist()]


@pytest.mark.parametrize("method", ["finegates+full", "finegates+lora"])
def test_a_folder_is_scored_as_it_is_and_its_answers_are_kept_in_the_order_of_the_data(
    make_run, tuned, method
):
    folder = tuned()
    run = make_run(method=method, start_from=str(folder), target_sparsity=0.3)
    assert run.spec.model == run.spec.start_from == str(folder)
    status = finished(run)
    splits = load_splits(run.spec)
    found = read_predictions(run.path)
    assert found.labels.tolist() == splits.validation["label"].tolist()
    names = [splits.labels[i] for i in found.reference]
    assert names == named_answers(folder, splits.validation)
    assert len(set(names)) == 2, "the folder's model has to tell rows apart, or the order is moot"
    assert status.reference_score == pytest.approx((found.reference == found.labels).mean())
    assert status.score == pytest.approx((found.answers == found.labels).mean())
    model, tokenizer = restore_model(run)
    encoded = tokenizer(list(splits.validation["text"]), padding=True, return_tensors="pt")
    with torch.no_grad():
        assert model(**encoded).logits.argmax(-1).tolist() == found.answers.tolist()
    assert run.row()["reference_score"] == status.reference_score


DENSE = {
    "full": {"encoder_learning_rate": 1e-3},
    "lora": {"lora_rank": 2, "adapter_learning_rate": 0.05},
    "vera": {"lora_rank": 4, "adapter_learning_rate": 0.05},
    "sparta": {"sparta_density": 0.1, "adapter_learning_rate": 0.01},
    "lora-xs": {"lora_rank": 4, "adapter_learning_rate": 0.05},
    "sara": {"sparta_density": 0.1, "adapter_learning_rate": 0.01},
    "shears": {"lora_rank": 4, "adapter_learning_rate": 0.01},
}


@pytest.mark.parametrize(
    "method", [m if m == "lora" else pytest.param(m, marks=pytest.mark.slow) for m in DENSE]
)
def test_a_dense_run_is_started_from_as_it_ended_and_is_not_needed_afterwards(make_run, method):
    dense = make_run(method=method, **DENSE[method])
    score = finished(dense).score
    run = make_run(method="finegates+lora", lora_rank=2, start_from=dense.id, target_sparsity=0.3)
    assert run.spec.starts_from_a_run and run.spec.model == dense.spec.model
    assert run.row()["settings"]["start_from"] == "a dense run", "seeds have starts of their own"
    before = read_predictions(dense.path).answers
    status = finished(run)
    assert status.reference_score == pytest.approx(score)
    assert read_reference(run.path).tolist() == before.tolist()
    shutil.rmtree(dense.path)
    model, tokenizer = restore_model(run)
    splits = load_splits(run.spec)
    encoded = tokenizer(list(splits.validation["text"]), padding=True, return_tensors="pt")
    with torch.no_grad():
        answers = model(**encoded).logits.argmax(-1)
    assert answers.tolist() == read_predictions(run.path).answers.tolist()


def test_a_resumed_run_equals_an_uninterrupted_one_without_the_run_that_it_started_from(make_run):
    dense = make_run(method="lora", **DENSE["lora"])
    finished(dense)
    settings = {"method": "finegates", "start_from": dense.id, "epochs": 4, "target_sparsity": 0.3}
    whole, broken = make_run(**settings), make_run(**settings)
    finished(whole)

    def stop(journal):
        if journal.status.step == 10:
            (broken.path / STOP_FILE).touch()
            shutil.rmtree(dense.path)

    assert execute(broken, "cpu", stop).state == "stopped"
    (broken.path / STOP_FILE).unlink()
    write_status(broken.path, replace(broken.status(), state="queued"))
    status = finished(broken)
    assert np.array_equal(broken.snapshot().means, whole.snapshot().means)
    assert status.reference_score == whole.status().reference_score
    pairs = zip(*(vars(read_predictions(r.path)).values() for r in (whole, broken)), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.slow
def test_the_start_teaches_after_a_resumption_too(make_run, tuned):
    settings = {"method": "finegates+full", "start_from": str(tuned()), "epochs": 4}
    taught = settings | {"teacher": "start", "target_sparsity": 0.2, "distillation_weight": 1.0}
    whole, broken, alone = make_run(**taught), make_run(**taught), make_run(**settings)
    finished(whole)
    assert stopped_and_resumed(broken, 10).state == "finished"
    finished(alone)
    assert np.array_equal(broken.snapshot().means, whole.snapshot().means)
    first, other = (
        next(row for row in run.metrics_reader().read_new() if row["kind"] == "train")
        for run in (whole, alone)
    )
    assert first["loss"] < 0.01 < other["loss"], "before gates close it imitates itself"


PRICES = {"method": "finegates+full", "problem": "regression", "label_column": "price"}


def test_a_model_of_numbers_answers_in_the_labels_unit_before_the_first_step(
    make_run, tuned, tmp_path
):
    lines = [f"a good film number {i},{200_000 + 7_919 * (i % 13)}" for i in range(80)]
    (tmp_path / "prices.csv").write_text("\n".join(["text,price", *lines]))
    folder = tuned(["price"], bias=240_000.0)
    data = {**PRICES, "data": str(tmp_path / "prices.csv"), "start_from": str(folder)}
    run = make_run(**data, epochs=2, teacher="start", target_sparsity=0.1)
    status = finished(run)
    found, splits = read_predictions(run.path), load_splits(run.spec)
    assert found.reference == pytest.approx(named_answers(folder, splits.validation), rel=1e-5)
    assert found.answers.mean() == pytest.approx(found.labels.mean(), rel=0.2)
    model, tokenizer = restore_model(run)
    encoded = tokenizer(list(splits.validation["text"]), padding=True, return_tensors="pt")
    with torch.no_grad():
        assert model(**encoded).logits[:, 0].tolist() == pytest.approx(found.answers, rel=1e-4)
    assert status.reference_score is not None


def test_unfolding_is_the_way_back_from_folding():
    model, scale = toy_model(num_labels=1), LabelScale(250_000.0, 2.0**16)
    with torch.no_grad():
        before = model(**toy_inputs()).logits
        model.load_state_dict(scale.folded(model), strict=False)
        model.load_state_dict(scale.unfolded(model), strict=False)
        assert torch.allclose(model(**toy_inputs()).logits, before, atol=1e-4)


def test_the_head_of_a_start_is_not_fitted_anew(make_run, tuned):
    run = make_run(start_from=str(tuned()), head_start="fitted")
    splits = load_splits(run.spec)
    start = start_state(run.spec, splits, run.path.parent, None)
    session = open_session(run.spec, splits, "cpu", start=start)
    assert torch.equal(session.model.classifier.weight, start["classifier.weight"])


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["LABEL_0", "LABEL_1"], ("LABEL_0, LABEL_1", "start_labels")),
        (["good", "bad"], ("good, bad", "start_labels")),
        (["a", "b", "c"], ("answers 3 labels",)),
    ],
)
def test_other_labels_are_a_question_before_there_is_a_run(make_run, tuned, runs_dir, names, words):
    folder = tuned(names)
    with pytest.raises(ModelError) as caught:
        make_run(start_from=str(folder))
    assert all(word in str(caught.value) for word in words) and not list(runs_dir.iterdir())
    if len(names) == 2:
        labels = load_splits(make_spec({})).labels
        run = make_run(start_from=str(folder), start_labels=labels[::-1])
        state = start_state(run.spec, load_splits(run.spec), runs_dir, None)
        own = AutoModelForSequenceClassification.from_pretrained(folder).classifier.weight
        assert torch.equal(state["classifier.weight"], own.flip(0))


def test_what_is_no_start_is_a_sentence_before_there_is_a_run(make_run, toy_model_dir, tuned):
    gated = make_run(method="finegates")
    dense = make_run(method="lora", lora_rank=2)
    folder = str(tuned())
    for given, words in (
        ({"start_from": gated.id}, "has gates"),
        ({"start_from": dense.id}, "is queued"),
        ({"start_from": f"{dense.id}x"}, f"Did you mean '{dense.id}'"),
        ({"start_from": "minilm"}, "no trained head"),
        ({"start_from": folder, "model": str(toy_model_dir)}, "leave model out"),
        ({"start_from": f"{folder}/none"}, "does not exist"),
    ):
        with pytest.raises(FineGatesError, match=words):
            make_run(**given)
    for given in ({"teacher": "start"}, {"start_labels": ("a", "b")}):
        with pytest.raises(SpecError, match="start_from"):
            make_spec(given)


def test_the_run_says_how_it_is_repeated(make_run, tuned, monkeypatch):
    folder = tuned()
    monkeypatch.chdir(folder.parent)
    run = make_run(start_from=folder.name, teacher="start")
    assert run.spec.start_from == str(folder)
    assert f"--start-from {folder}" in run.record["command"]
    assert run.row()["settings"]["start_from"] == "its model"
    assert check_inputs(make_spec(json.loads(json.dumps(run.spec.to_dict()))))[0] == run.spec


def test_a_run_that_is_not_over_keeps_the_reference_alone(make_run, tuned):
    run = make_run(start_from=str(tuned()), epochs=4)

    def stop(journal):
        (run.path / STOP_FILE).touch()

    assert execute(run, "cpu", stop).state == "stopped"
    assert read_reference(run.path) is not None
    with pytest.raises(RunError, match="not finished"):
        read_predictions(run.path)
