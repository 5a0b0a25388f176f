"""How small?: the question, and a search in every state."""

import re

import numpy as np
import pytest

from app.how_small import form
from finegates.fitting.file import create_fit, list_fits, open_fit, save_fit
from finegates.runs.predictions import Predictions, write_predictions
from tests.app.components import codes
from tests.app.fake_runs import make_run
from tests.app.test_pages import texts

ROWS = 400
LABELS = np.arange(ROWS) % 2


@pytest.fixture
def started(monkeypatch):
    """Searches that were carried on; no process is started."""
    names = []
    monkeypatch.setattr(form, "start_driver", lambda folder, name: names.append(name))
    return names


def answered(runs_dir, wrong, **settings):
    """A finished run whose every ``wrong``-th answer is wrong."""
    run = make_run(runs_dir, **settings)
    answers = np.where(np.arange(ROWS) % wrong == 0, 1 - LABELS, LABELS)
    write_predictions(run.path, Predictions(LABELS.astype(np.int64), answers.astype(np.int64)))
    return run


@pytest.fixture
def search(runs_dir):
    """A reference, and two models with gates: one is within five points, the next is not."""
    fit = create_fit(runs_dir, "mine", 0.05, {"epochs": 3}, most_trainings=2)
    reference = answered(runs_dir, 10, method="full")
    gated = [
        answered(runs_dir, wrong, method="finegates+full", target_sparsity=target)
        for target, wrong in ((0.4, 9), (0.6, 3))
    ]

    def save(**changes):
        runs = tuple(run.id for run in gated)
        record = {**vars(fit), "reference": reference.id, "runs": runs, **changes}
        save_fit(runs_dir, type(fit)(**record))
        return gated

    return save


def test_a_question_becomes_a_search(visit, runs_dir, started):
    app = visit("how_small")
    assert not app.exception and "--max-drop 1" in codes(app)[0]
    app.number_input(key="small_points").set_value(2.5).run()
    app.number_input(key="small_most").set_value(3).run()
    app.number_input(key="small_epochs").set_value(2).run()
    assert "--max-drop 2.5 --most-trainings 3" in codes(app)[0]
    assert "--epochs 2" in codes(app)[0] and "Half of the 400 validation rows" in texts(app)
    app.button(key="find").click().run()
    assert not app.exception and started == list_fits(runs_dir)
    fit = open_fit(runs_dir, started[0])
    assert fit.max_drop == pytest.approx(0.025) and fit.most_trainings == 3
    assert fit.settings == {"epochs": 2}
    assert app.selectbox(key="small_search").value == fit.name
    assert "The first point comes" in texts(app) and app.button(key="continue_search")


def test_without_a_model_nothing_starts(visit):
    app = visit("how_small")
    app.segmented_control(key="new_door").set_value("Compress my fine-tuned model").run()
    assert app.button(key="find").disabled and "Name a model first." in texts(app)


def test_an_answer_is_shown_with_its_evidence(visit, search):
    search()
    app = visit("how_small")
    said = texts(app)
    assert not app.exception and not app.error and "**The answer**" in said
    assert re.search(r"(39|40)\.\d% of the gated weights can go", said) and "95% interval" in said
    assert "on 200 rows that nothing was chosen on" in said
    values = {tile.label: tile.value for tile in app.metric}
    assert (
        float(values["Weights removed"][:4]) == pytest.approx(40, abs=1)
        and values["Trainings"] == "3"
    )
    chart = app.get("vega_lite_chart")
    assert len(chart) == 1
    frame = app.dataframe[0].value
    assert list(frame["verdict"]) == ["within the tolerance", "beyond it"]
    assert not [b for b in app.button if b.key in ("stop_search", "continue_search")]


def test_what_is_not_over_can_go_on(visit, search, monkeypatch):
    search(most_trainings=9)
    app = visit("how_small")
    assert "The answer so far" in texts(app) and "stands still" in texts(app)
    names = []
    monkeypatch.setattr(
        "app.how_small.answer.start_driver", lambda folder, name: names.append(name)
    )
    app.button(key="continue_search").click().run()
    assert names == ["mine"] and not app.exception


def test_a_failed_training_says_why(visit, runs_dir, search):
    failed = make_run(runs_dir, "failed", reason="Out of memory on cpu.", method="finegates+full")
    gated = search()
    search(runs=(*(run.id for run in gated), failed.id), most_trainings=9)
    said = texts(visit("how_small"))
    assert "A training is failed. Out of memory on cpu." in said


def test_a_damaged_file_and_a_lost_run_are_said(visit, runs_dir, search):
    search(runs=("20260101-000000-000000-sample-finegates-full-00000000",))
    app = visit("how_small")
    assert not app.exception and app.error
    (runs_dir / "mine.fit.json").write_text("{")
    app = visit("how_small")
    assert not app.exception and "mine" in app.error[0].value
