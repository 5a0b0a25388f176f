"""Texts and instructions on the New run page: uploaded, columns chosen, shown, and started."""

import json

import pytest

from app.new import keys
from app.new.model import LOCAL
from finegates.runs.folder import list_runs
from tests.app.test_new_run_page import only_run, start, upload
from tests.app.test_pages import texts
from tests.toy_models import save_toy_language_model, toy_text

BOOK = "\n\n".join(toy_text()).encode()
PAIRS = "\n".join(
    json.dumps({"id": i, "prompt": f"who makes tea {i}", "answer": "anna makes tea"})
    for i in range(20)
).encode()


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory):
    return save_toy_language_model(tmp_path_factory.mktemp("language"))


def with_model(app, model_dir):
    app.get_by_key(keys.MODEL_KIND).set_value(LOCAL).run()
    app.text_input(key=keys.MODEL_FOLDER).set_value(str(model_dir)).run()
    return app.number_input(key="new.max_length").set_value(16).run()


def learn(app, runs_dir, task):
    (path,) = (runs_dir / ".uploads").iterdir()
    return app.get_by_key(keys.of_file("task", path.name)).set_value(task).run()


def test_prose_that_is_no_table_is_text_at_once(visit, runs_dir):
    prose = b'It was, so "far, good.\n\nBut, then; another, day.\n\n"Yes,\n\nwe, can".\n\nEnd.'
    app = upload(visit, "prose.txt", prose)
    assert not app.exception
    assert ["predicts no next token" in error.value for error in app.error] == [True]
    assert "Plain text" in texts(app) and "documents, parted by blank lines" in texts(app)


def test_plain_text_is_split_by_documents_and_starts(visit, runs_dir, dispatched, model_dir):
    app = with_model(learn(upload(visit, "book.txt", BOOK), runs_dir, "text"), model_dir)
    assert not app.exception and not app.error
    assert "60 documents" in texts(app) and "Perplexity (blocks of 16)" in texts(app)
    block = next(text.value for text in app.text if " then " in text.value)
    assert len(block.split()) == 15, "of 16 tokens one ends a text"
    app = start(app)
    assert not app.exception and not app.error
    spec = only_run(runs_dir).spec
    assert (spec.task, spec.max_length, spec.text_column) == ("text", 16, None)
    assert spec.data.endswith("-book.txt")


def test_columns_of_instructions_are_guessed_and_can_be_chosen(
    visit, runs_dir, dispatched, model_dir
):
    app = upload(visit, "pairs.jsonl", PAIRS)
    app = with_model(learn(app, runs_dir, "instructions"), model_dir)
    (path,) = (runs_dir / ".uploads").iterdir()
    assert not app.exception and not app.error
    boxes = {name: app.selectbox(key=keys.of_file(f"{name}_column", path.name))
             for name in ("prompt", "answer", "messages")}  # fmt: skip
    assert [box.value for box in boxes.values()] == ["prompt", "answer", "(none)"]
    app = start(app)
    assert not app.exception and not app.error
    spec = only_run(runs_dir).spec
    assert (spec.task, spec.prompt_column, spec.answer_column) == (
        "instructions", "prompt", "answer",
    )  # fmt: skip


def test_a_model_that_reads_no_text_is_told_of_before_the_start(visit, runs_dir, dispatched):
    app = learn(upload(visit, "book.txt", BOOK), runs_dir, "text")
    assert any("predicts no next token" in error.value for error in app.error)
    assert app.button(key="start").disabled and not app.metric
    assert not list_runs(runs_dir)
