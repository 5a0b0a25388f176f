"""New run's other door: a fine-tuned model, how much to remove, and start."""

import json
import shutil

import pytest

from app.new import keys
from app.new.compress import FINE_TUNED
from app.text import escape_markdown
from finegates.data.splits import load_splits
from finegates.jobs.compress import compression
from finegates.runs.folder import list_runs
from finegates.spec import make_spec
from tests.app.components import codes
from tests.app.fake_runs import make_run
from tests.app.test_pages import texts


@pytest.fixture
def folder(toy_model_dir, tmp_path):
    """The toy with a head for the sample's labels."""
    labels = load_splits(make_spec({})).labels
    path = shutil.copytree(toy_model_dir, tmp_path / "tuned")
    config = json.loads((path / "config.json").read_text())
    config["id2label"] = dict(enumerate(labels))
    (path / "config.json").write_text(json.dumps(config))
    return path


@pytest.fixture
def at_the_door(visit):
    def open_form(start=None):
        app = visit("new_run")
        app.segmented_control(key=keys.DOOR).set_value(FINE_TUNED).run()
        if start:
            app.text_input(key=keys.START).set_value(str(start)).run()
        return app

    return open_form


def test_a_folder_and_a_target_are_enough(at_the_door, folder, runs_dir):
    app = at_the_door()
    assert app.button(key="start").disabled and "Name a model first." in texts(app)
    app = at_the_door(folder)
    app.slider(key=keys.REMOVE).set_value(0.6).run()
    assert not app.exception and not app.error
    assert {"Time", "Memory", "Steps"} <= {m.label for m in app.metric}
    assert f"--start-from {folder}" in codes(app)[0]
    app.button(key="start").click().run()
    (run,) = list_runs(runs_dir)
    wanted = compression(str(folder), 0.6, {"device": "auto", "seed": 0}, 2000).to_dict()
    assert run.spec.to_dict() == wanted | {"model": str(folder)}


def test_labels_of_other_names_are_asked_about_and_answered(at_the_door, folder, runs_dir):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "id2label": {"0": "x", "1": "y"}}))
    app = at_the_door(folder)
    app.button(key="start").click().run()
    assert "start\\_labels" in app.error[0].value and not list_runs(runs_dir)
    labels = load_splits(make_spec({})).labels
    app.text_input(key=keys.START_LABELS).set_value(", ".join(labels)).run()
    app.button(key="start").click().run()
    (run,) = list_runs(runs_dir)
    assert run.spec.start_labels == labels


def test_a_dense_run_can_be_named_and_what_is_no_model_is_told(at_the_door, runs_dir):
    dense = make_run(runs_dir, method="full", model="minilm")
    assert f"--start-from {dense.id}" in codes(at_the_door(dense.id))[0]
    app = at_the_door("/nowhere/at/all")
    assert escape_markdown("'/nowhere/at/all' does not exist") in app.error[0].value
    assert app.button(key="start").disabled
