"""A run's model, dense and pruned, in a process of its own: answers, one process, and its end."""

import json
import subprocess
import sys
import threading
import time
from dataclasses import asdict

import numpy as np
import psutil
import pytest
import torch

from finegates.cli import main
from finegates.errors import ModelError, RunError, SpecError
from finegates.files.storage import write_json
from finegates.gates.cuts import Cut
from finegates.jobs.tasks import read_task
from finegates.runs.status import process_alive
from finegates.shrinking.shrink import prune
from finegates.spec import make_spec
from finegates.training.restore import restore_model
from finegates.trying import client as try_client
from finegates.trying.client import LOADING, OFF, READY, ask, look, start, stop
from finegates.trying.messages import (
    ANSWER,
    MOST_CHARACTERS,
    QUESTION,
    READY_FILE,
    TRY_TASK,
    Opinion,
    Question,
    Reply,
    text_counts,
    try_folder,
)
from finegates.trying.models import DenseAndPruned
from finegates.trying.server import serve
from tests.exporting.test_export import finished_run
from tests.fake_results import result

TEXT = "a fine film"
CUT = Cut(remove=0.4)


@pytest.fixture(scope="module")
def run(toy_model_dir, tmp_path_factory):
    return finished_run(
        toy_model_dir, tmp_path_factory.mktemp("runs"), method="finegates+lora", lora_rank=4
    )


def probabilities(run, cut):
    model, tokenizer = restore_model(run)
    prune(model, cut)
    with torch.no_grad():
        return model(**tokenizer(TEXT, return_tensors="pt")).logits[0].softmax(-1).numpy()


@pytest.mark.parametrize("cut", [CUT, Cut(threshold=0.6)])
def test_both_models_say_what_the_masked_model_says(run, cut):
    reply = DenseAndPruned(run).answer(Question((TEXT,), cut))
    assert reply.labels == ("negative", "positive")
    assert np.abs(np.array(reply.dense.values) - probabilities(run, Cut(remove=0.0))).max() < 1e-5
    assert np.abs(np.array(reply.pruned.values) - probabilities(run, cut)).max() < 1e-5


def test_another_cut_is_made_when_it_is_asked_for_and_kept(run, monkeypatch):
    models, made = DenseAndPruned(run), []
    from finegates.trying import models as try_models

    real = try_models.shrink
    monkeypatch.setattr(try_models, "shrink", lambda *a, **k: made.append(k) or real(*a, **k))
    removed = [
        models.answer(Question((TEXT,), cut)).removed_weights_fraction
        for cut in (CUT, CUT, Cut(remove=0.7))
    ]
    assert [each["remove"] for each in made] == [0.4, 0.7]
    assert removed == pytest.approx([0.4, 0.4, 0.7], abs=0.02)


def test_long_texts_are_cut_as_in_training_and_that_is_told(run):
    reply = DenseAndPruned(run).answer(Question(("good " * 300,), CUT))
    assert reply.read_tokens < reply.tokens and reply.tokens >= 300
    assert reply.read_tokens <= run.spec.max_length


def test_a_wrong_number_of_texts_is_refused(run):
    with pytest.raises(SpecError, match="2 texts were given; sample takes 1"):
        DenseAndPruned(run).answer(Question((TEXT, TEXT), CUT))


def test_a_dense_run_has_no_pruned_model(toy_model_dir, tmp_path):
    dense = finished_run(toy_model_dir, tmp_path, method="lora", lora_rank=4)
    with pytest.raises(ModelError, match="without gates"):
        DenseAndPruned(dense)


@pytest.mark.parametrize("texts", [(), (" ",), ("x" * (MOST_CHARACTERS + 1),), ("a",) * 3, (1,)])
def test_questions_are_bounded(texts):
    with pytest.raises(SpecError):
        Question(texts, CUT)


@pytest.mark.parametrize(
    "content", [{}, {"texts": "a"}, {"texts": ["a"]}, {"texts": ["a"], "remove": "x"},
                {"texts": ["a"], "remove": 2}, {"texts": ["a"], "remove": 0.1, "threshold": 0.2}],
)  # fmt: skip
def test_a_question_is_read_with_distrust(content):
    with pytest.raises(SpecError):
        Question.from_dict(content)


def test_messages_survive_their_way():
    question = Question((TEXT, "b"), CUT)
    assert Question.from_dict(json.loads(json.dumps(question.to_dict()))) == question
    reply = Reply(("a", "b"), Opinion((0.2, 0.8)), Opinion((0.6, 0.4)), 0.4, 5, 5)
    assert Reply.from_dict(json.loads(json.dumps(asdict(reply)))) == reply and not reply.agree
    with pytest.raises(RunError, match="can't be read"):
        Reply.from_dict({"labels": []})


@pytest.mark.parametrize(
    ("settings", "counts"),
    [({"task": "sst2"}, (1,)), ({"task": "stsb"}, (2,)), ({}, (1,)), ({"data": "x.csv"}, (1, 2)),
     ({"data": "x.csv", "text_column": "t"}, (1,)),
     ({"data": "x.csv", "text_column": "t", "pair_column": "p"}, (2,))],
)  # fmt: skip
def test_how_many_texts_a_run_takes(settings, counts):
    assert text_counts(make_spec(settings)) == counts


def until(true, seconds=90):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.05)


@pytest.mark.slow
def test_one_process_answers_many_and_stops_when_told(run):
    threads = [threading.Thread(target=start, args=(run,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert look(run).state == LOADING
    with pytest.raises(RunError, match="load it first"):
        ask(run, Question((TEXT,), CUT))
    until(lambda: look(run).state == READY)
    ours = [
        p for p in psutil.process_iter(["cmdline"]) if str(run.path) in (p.info["cmdline"] or ())
    ]
    assert len(ours) == 1
    first, second = (ask(run, Question((TEXT,), cut)) for cut in (CUT, Cut(remove=0.6)))
    assert first.dense.values == second.dense.values != second.pruned.values
    with pytest.raises(RunError, match="sample takes 1"):
        ask(run, Question((TEXT, TEXT), CUT))
    assert not list(try_folder(run).glob(f"*{QUESTION}")) + list(try_folder(run).glob(f"*{ANSWER}"))
    with pytest.raises(RunError, match="answers for"):
        serve(run)
    created = ours[0].create_time()
    stop(run)
    assert look(run).state == OFF
    start(run)  # at once, while the other may still be ending
    assert look(run).state == LOADING and not process_alive(ours[0].pid, created)
    stop(run)
    assert look(run).state == OFF and read_task(run, TRY_TASK) is None


def test_it_ends_when_nobody_asks(run, capsys, monkeypatch):
    monkeypatch.setattr("signal.signal", lambda *_: None)
    assert main(["answer", str(run.path), "--idle-s", "0.2"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told == {"run": run.id, "ended": "nobody asked any more", "answered": "0"}
    assert look(run).state == OFF


def test_it_ends_when_the_runs_folder_is_gone(toy_model_dir, tmp_path):
    run = finished_run(toy_model_dir, tmp_path, method="finegates")
    thread = threading.Thread(target=serve, args=(run,), daemon=True)
    thread.start()
    until((try_folder(run) / READY_FILE).exists)
    run.path.rename(tmp_path / "elsewhere")
    thread.join(timeout=10)
    assert not thread.is_alive() and not run.path.exists()


def test_what_was_left_by_a_process_that_was_killed_is_nobodys(runs_dir):
    run = result(runs_dir, 0.8)
    folder = try_folder(run)
    folder.mkdir(parents=True)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    created = psutil.Process(gone.pid).create_time()
    gone.wait()
    write_json(folder / READY_FILE, {"pid": gone.pid, "created": created})
    assert look(run).state == OFF
    with pytest.raises(RunError, match="load it first"):
        ask(run, Question((TEXT,), CUT))
    (folder / READY_FILE).write_text("[]")
    assert look(run).state == OFF
    stop(run)


@pytest.mark.slow
def test_why_a_run_cannot_be_loaded_is_told(runs_dir):
    run = result(runs_dir, 0.8)
    start(run)
    until(lambda: look(run).state not in (LOADING, READY))
    state = look(run)
    assert state.state == try_client.FAILED and "does not say which labels" in state.reason
    with pytest.raises(RunError, match="does not say which labels"):
        ask(run, Question((TEXT,), CUT))


def test_an_answer_that_does_not_come_is_given_up(runs_dir):
    run = result(runs_dir, 0.8)
    try_folder(run).mkdir(parents=True)
    me = psutil.Process()
    write_json(try_folder(run) / READY_FILE, {"pid": me.pid, "created": me.create_time()})
    with pytest.raises(RunError, match="has not answered within 0 s"):
        ask(run, Question((TEXT,), CUT), within_s=0.1)
    assert not list(try_folder(run).glob(f"*{QUESTION}"))
