"""A regression in large units answers in them, and says how far it is off."""

import json

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

import finegates.auto  # noqa: F401
from finegates.cli import main
from finegates.data.splits import load_splits
from finegates.gates.cuts import Cut
from finegates.reports.report import run_report
from finegates.runs.folder import open_run
from finegates.runs.label_errors import ERRORS, error_words
from finegates.training.restore import restore_model
from finegates.trying.messages import Question
from finegates.trying.models import DenseAndPruned

PRICES = {"bad": 80_000.0, "good": 250_000.0}


@pytest.fixture(scope="module")
def run(toy_model_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("numbers")
    rng = np.random.default_rng(0)
    lines = ["text,price"]
    for row in range(120):
        word = ("bad", "good")[row % 2]
        price = PRICES[word] + rng.normal(0, 9_000)
        lines.append(f"a {word} film number {row},{price:.2f}")
    (folder / "price.csv").write_text("\n".join(lines))
    words = ["train", "--model", str(toy_model_dir), "--data", str(folder / "price.csv")]
    words += ["--device=cpu", "--epochs=6", "--batch-size=8", "--learning-rate=0.01"]
    words += ["--method=finegates+lora", "--lora-rank=4", "--adapter-learning-rate=0.01"]
    words += ["--target-sparsity=0.1", "--precision=fp32", "--problem=regression"]
    assert main([*words, "--runs-dir", str(folder / "runs")]) == 0
    (found,) = (path.name for path in (folder / "runs").iterdir() if path.is_dir())
    return open_run(folder / "runs", found)


@pytest.fixture(scope="module")
def rows(run):
    return load_splits(run.spec).validation


def answers(model, tokenizer, rows):
    encoded = tokenizer(list(rows["text"]), padding=True, return_tensors="pt")
    with torch.no_grad():
        return model(**encoded).logits[:, 0].numpy()


def rmse(told, rows):
    return float(np.sqrt(((told - rows["label"].to_numpy()) ** 2).mean()))


def test_the_answers_are_clearly_better_than_always_the_mean(run, rows):
    found = rmse(answers(*restore_model(run), rows), rows)
    assert found < 0.2 * rows["label"].std()
    assert run.status().metrics["rmse"] == pytest.approx(found, rel=1e-4)


def test_an_export_answers_in_the_labels_unit(run, rows, tmp_path, capsys):
    words = ["export", run.id, "--runs-dir", str(run.path.parent), "--out", str(tmp_path / "out")]
    assert main([*words, "--no-measure"]) == 0
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "out")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    assert rmse(answers(model, tokenizer, rows), rows) == pytest.approx(
        run.status().metrics["rmse"], rel=1e-3
    )
    assert main([*words[:-1], str(tmp_path / "measured")]) == 0
    card = (tmp_path / "measured" / "README.md").read_text()
    assert error_words(run.status().metrics) in card


def test_try_it_answers_in_the_labels_unit(run, rows):
    text = rows["text"].iloc[0]
    reply = DenseAndPruned(run).answer(Question((text,), Cut(threshold=0.0)))
    (expected,) = answers(*restore_model(run), rows.head(1))
    assert reply.pruned.values[0] == pytest.approx(float(expected), rel=1e-3)


def test_the_error_stands_next_to_every_correlation(run, capsys):
    told = error_words(run.status().metrics)
    assert told.startswith("RMSE ") and "always answering the mean" in told
    runs_dir = ["--runs-dir", str(run.path.parent)]
    for words in (["runs", "list"], ["evaluate", run.id, "--remove=0.1"]):
        assert main([*words, *runs_dir]) == 0
        shown = capsys.readouterr()
        assert told in shown.out + shown.err
    assert main(["table", *runs_dir]) == 0
    assert "label's own unit" in capsys.readouterr().out
    assert main(["table", "--json", *runs_dir]) == 0
    first = json.loads(capsys.readouterr().out)[0]
    assert {name: first[name] for name in ERRORS} == {
        name: run.status().metrics[name] for name in ERRORS
    }
    assert told in run_report(run)
