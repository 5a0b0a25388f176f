"""“Try it”: the reader's text, two answers, and what the page does until they are there."""

import re

import pytest

from app.charts.predictions import MOST_CLASSES, prediction_bars, shown_classes
from finegates.errors import RunError
from finegates.trying.client import LOADING, OFF, READY, TryState
from finegates.trying.messages import Opinion, Reply
from tests.app.fake_runs import make_run
from tests.app.test_pages import texts

MARKED = "**bold** <b>html</b> :material/home:"
LABELS = ("unacceptable", MARKED)


def reply(dense=0.9, pruned=0.8, labels=LABELS, tokens=5):
    sides = [Opinion((1 - p, p) if labels else (p,)) for p in (dense, pruned)]
    return Reply(labels, *sides, 0.4, tokens, 5)


class Client:
    """Stands in for the process."""

    def __init__(self):
        self.state, self.questions, self.answer, self.log = OFF, [], reply(), []

    def look(self, run):
        return TryState(self.state, started=1.0)

    def start(self, run):
        self.log.append("start")
        self.state = LOADING if self.state == OFF else self.state

    def stop(self, run):
        self.log.append("stop")
        self.state = OFF

    def ask(self, run, question):
        self.questions.append(question)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def client(monkeypatch):
    client = Client()
    for name in ("look", "start", "stop", "ask"):
        monkeypatch.setattr(f"finegates.trying.client.{name}", getattr(client, name))
    return client


@pytest.fixture
def run(runs_dir):
    run = make_run(runs_dir, target_sparsity=0.4)
    (run.path / "trained").mkdir()
    return run


def asked(visit, run, text="It was fine.", **address):
    app = visit("prune", run=run.id, **address)
    app.text_area(key="try_text_1").input(text)
    return submit(app)


def submit(app):
    next(b for b in app.button if b.label == "Ask both models").click().run()
    assert not app.exception
    return app


def plain(app) -> str:
    return " ".join(text.value for text in app.text)


def test_a_question_waits_until_the_model_is_there(visit, run, client):
    app = asked(visit, run, remove="0.3")
    assert client.log == ["start"] and not client.questions
    assert "being loaded, about 10 s" in texts(app)
    client.state = READY
    app.run()
    (question,) = client.questions
    assert question.texts == ("It was fine.",) and question.cut.remove == 0.3
    assert "of the weights removed" in texts(app) and not re.search(r"\d ms\b", texts(app))
    app.run()
    assert len(client.questions) == 1


def test_labels_are_shown_as_they_are_never_as_markup(visit, run, client):
    client.state = READY
    app = asked(visit, run)
    assert f"Both say {MARKED}." in plain(app)
    assert not any(MARKED in block.value for block in (*app.markdown, *app.caption))


def test_the_readers_text_is_shown_nowhere_but_in_its_box(visit, run, client):
    client.state = READY
    app = asked(visit, run, text=MARKED + " mine")
    assert not any("mine" in block.value for block in (*app.markdown, *app.caption, *app.text))


def test_disagreement_is_said(visit, run, client):
    client.state, client.answer = READY, reply(pruned=0.2)
    app = asked(visit, run)
    assert "They disagree" in plain(app) and "pruned says unacceptable" in plain(app)


def test_numbers_of_a_regression_stand_side_by_side(visit, runs_dir, client):
    run = make_run(runs_dir, task="stsb", target_sparsity=0.4)
    (run.path / "trained").mkdir()
    client.state, client.answer = READY, reply(3.25, 3.0, labels=())
    app = visit("prune", run=run.id)
    app.text_area(key="try_text_1").input("one")
    app.text_area(key="try_text_2").input("two")
    submit(app)
    assert client.questions[0].texts == ("one", "two")
    assert [m.value for m in app.metric if m.label == "Answer"] == ["3.250", "3.000"]
    assert "They differ by 0.250" in plain(app)


@pytest.mark.parametrize(("text", "told"), [(" ", "A text is empty"), ("", "A text is empty")])
def test_an_empty_text_is_refused_in_words(visit, run, client, text, told):
    app = asked(visit, run, text=text)
    assert told in texts(app) and client.log == []


def test_errors_are_told_and_one_can_ask_again(visit, run, client):
    client.state, client.answer = READY, RunError("The trained weights can't be used.")
    app = asked(visit, run)
    assert "weights can't be used" in texts(app)
    client.answer = reply()
    assert "Both say" in plain(submit(app)) and "weights can't" not in texts(app)


def test_a_process_can_be_stopped_and_takes_its_question_along(visit, run, client):
    app = asked(visit, run)
    app.button(key="try_stop").click().run()
    assert client.log == ["start", "stop"] and "being loaded" not in texts(app)
    client.state = READY
    app.run()
    assert not client.questions


def test_an_answer_of_another_cut_or_of_a_part_says_so(visit, run, client):
    client.state, client.answer = READY, reply(tokens=9)
    app = asked(visit, run, remove="0.3")
    assert "first 5 of 9 tokens" in texts(app) and "another cut" not in texts(app)
    app.slider(key="remove").set_value(0.6).run()
    assert "another cut (30% of the weights removed)" in texts(app)


def test_runs_without_weights_have_nothing_to_try(visit, runs_dir, client):
    app = visit("prune", run=make_run(runs_dir).id)
    assert not app.text_area and not app.exception


def test_bars_show_the_likeliest_classes_of_either_model():
    labels = [str(i) for i in range(20)]
    dense = [0.0] * 19 + [1.0]
    pruned = [0.9, *[0.0] * 18, 0.1]
    shown = shown_classes(dense, pruned)
    assert shown[0] == 19 and 0 in shown and len(shown) == MOST_CLASSES
    chart = prediction_bars(labels, dense, shown, "red").to_dict()
    (rows,) = chart["datasets"].values()
    assert rows[0] == {"label": "19", "probability": 1.0, "text": "100.0 %"}
