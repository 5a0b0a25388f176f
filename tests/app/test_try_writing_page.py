"""“Try it” of a language model: the prompt, both continuations, and what is there meanwhile."""

from dataclasses import replace

import pytest

from finegates.gates.cuts import Cut
from finegates.trying.client import FAILED, LOADING, OFF, READY, TryState
from finegates.trying.continuations import ENDED, LENGTH, STOPPED, Continuation, Prompt, Writing
from tests.app.fake_runs import LLAMA, make_run
from tests.app.test_pages import texts

CUT = Cut(remove=0.3)
MARKED = "**bold** <b>html</b> :material/home:"
PROMPT = Prompt("Once upon", CUT, 20, 0.5, 3)
HALF = Writing(
    PROMPT, 2, 0.31, Continuation(" a time", 3, 0.1, 0.1), Continuation(" a", 2, 0.1, 0.1)
)
DONE = replace(
    HALF, dense=Continuation(" a time", 5, 0.1, 0.4, LENGTH),
    pruned=Continuation(f" {MARKED}", 5, 0.1, 0.2, ENDED), compared=4, same=3, done=True,
)  # fmt: skip


class Client:
    """Stands in for the process."""

    def __init__(self):
        self.state, self.reason = OFF, ""
        self.prompt, self.writing, self.log = None, None, []

    def look(self, run):
        return TryState(self.state, self.reason, started=1.0)

    def stop(self, run):
        self.log.append("stop")
        self.state = OFF

    def begin(self, run, prompt):
        self.log.append(prompt)
        self.prompt = prompt
        self.state = LOADING if self.state == OFF else self.state

    def stop_writing(self, run):
        self.log.append("stop writing")
        self.prompt = None

    def waiting(self, run):
        return self.prompt

    def written(self, run):
        return self.writing


@pytest.fixture
def client(monkeypatch):
    client = Client()
    for name in ("look", "stop"):
        monkeypatch.setattr(f"finegates.trying.client.{name}", getattr(client, name))
    for name in ("begin", "stop_writing", "waiting", "written"):
        monkeypatch.setattr(f"finegates.trying.writing_client.{name}", getattr(client, name))
    return client


@pytest.fixture
def run(runs_dir):
    return language_run(runs_dir, "text")


def language_run(runs_dir, task):
    data = runs_dir.parent / "data.txt"
    data.write_text("a text")
    run = make_run(runs_dir, size=LLAMA, task=task, data=str(data), target_sparsity=0.4)
    (run.path / "trained").mkdir()
    return run


def asked(app, text="Once upon"):
    app.text_area(key="try_prompt").input(text)
    next(b for b in app.button if b.label == "Continue with both").click().run()
    assert not app.exception
    return app


def buttons(app) -> set[str]:
    return {button.key for button in app.button}


def plain(app) -> list[str]:
    return [text.value for text in app.text]


def test_a_prompt_is_asked_greedily_by_default_at_the_chosen_cut(visit, run, client):
    app = asked(visit("prune", run=run.id, remove="0.3"))
    assert client.log == [Prompt("Once upon", CUT, 64, 0.0, 0)]
    assert "being loaded, about 10 s" in texts(app)
    client.state = READY
    assert "smaller model is being made" in texts(app.run())


def test_draws_are_asked_for(visit, run, client):
    app = visit("prune", run=run.id, remove="0.3")
    for key, value in (("new_tokens", 20), ("temperature", 0.5), ("seed", 3)):
        app.number_input(key=f"try_{key}").set_value(value)
    asked(app)
    assert client.log == [PROMPT]


def test_both_texts_are_shown_as_they_come_and_can_be_stopped(visit, run, client):
    client.state, client.writing = READY, HALF
    app = visit("prune", run=run.id, remove="0.3")
    assert "Both write" in texts(app) and plain(app) == ["a time", "a"]
    assert "3 tokens, 20.0 tokens per second" in texts(app)
    assert "same next token" not in texts(app) and "try_stop" not in buttons(app)
    app.button(key="try_stop_writing").click().run()
    assert client.log == ["stop writing"]
    over = replace(HALF.dense, over=STOPPED)
    client.writing = replace(HALF, dense=over, pruned=replace(over, tokens=1), done=True)
    app.run()
    assert texts(app).count("stopped") == 2 and "try_stop_writing" not in buttons(app)


def test_before_the_first_token_it_can_be_stopped_and_no_side_is_shown(visit, run, client):
    client.state, client.writing = READY, Writing(PROMPT)
    app = visit("prune", run=run.id, remove="0.3")
    assert "smaller model is being made" in texts(app) and "try_stop_writing" in buttons(app)
    assert not plain(app) and "nothing removed" not in texts(app)


def test_a_page_that_is_opened_meanwhile_has_prompt_and_texts(visit, run, client):
    client.state, client.writing = READY, HALF
    app = visit("prune", run=run.id, remove="0.3")
    assert app.text_area(key="try_prompt").value == "Once upon"
    values = [app.number_input(key=f"try_{k}").value for k in ("new_tokens", "temperature", "seed")]
    assert values == [20, 0.5, 3]


def test_what_was_written_stands_with_speeds_and_agreement(visit, run, client):
    client.state, client.writing = READY, DONE
    app = visit("prune", run=run.id, remove="0.3")
    said = texts(app)
    assert plain(app) == ["a time", MARKED], "as they are, never as markup"
    assert "5 tokens, 10.0 tokens per second, as long as asked for" in said
    assert "20.0 tokens per second, the model ended its text; 2.00 times as fast" in said
    assert "75.0 % the same next token" in said and "at 3 of 4 positions" in said
    assert "temperature 0.5 with seed 3" in said and "another cut" not in said
    app.slider(key="remove").set_value(0.6).run()
    assert "another cut (30% of the weights removed)" in texts(app)
    app.button(key="try_stop").click().run()
    client.writing = None  # it goes with its process, not from the page
    assert client.log == ["stop"] and plain(app.run()) == ["a time", MARKED]


def test_errors_are_told_and_one_can_ask_again(visit, run, client):
    client.state = READY
    client.writing = Writing(PROMPT, done=True, error="The prompt has 70 tokens: shorten it.")
    app = visit("prune", run=run.id, remove="0.3")
    assert "70 tokens" in texts(app) and not plain(app)
    client.writing = DONE
    assert "70 tokens" not in texts(asked(app))


def test_why_a_model_cannot_be_loaded_is_told(visit, run, client):
    app = asked(visit("prune", run=run.id))
    client.state, client.reason = FAILED, "The trained weights can't be used."
    assert "weights can't be used" in texts(app.run())


def test_loading_can_be_stopped_and_takes_the_prompt_along(visit, run, client):
    app = asked(visit("prune", run=run.id))
    app.button(key="try_stop").click().run()
    assert client.log[1:] == ["stop", "stop writing"] and "being loaded" not in texts(app)


def test_a_process_that_was_killed_is_told_of(visit, run, client):
    client.writing = HALF
    app = visit("prune", run=run.id, remove="0.3")
    assert "ended before it was done" in texts(app) and "try_stop_writing" not in buttons(app)


def test_an_empty_prompt_is_refused_in_words(visit, run, client):
    app = asked(visit("prune", run=run.id), " ")
    assert "The prompt is empty" in texts(app) and client.log == []


def test_instructions_are_asked(visit, runs_dir, client):
    app = visit("prune", run=language_run(runs_dir, "instructions").id)
    assert app.text_area(key="try_prompt").label == "What you ask"


def test_runs_without_weights_have_nothing_to_try(visit, run, client):
    (run.path / "trained").rmdir()
    app = visit("prune", run=run.id)
    assert not app.text_area and not app.exception
