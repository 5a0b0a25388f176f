"""Runs without gates: every page says so in a sentence and shows what there is."""

import pytest

from app.run_table.table import table
from finegates.methods import METHODS
from tests.app.fake_runs import make_run
from tests.app.test_pages import texts

DENSE = [name for name, method in METHODS.items() if not method.removes]
SAYS = "has no gates and removes nothing"


@pytest.mark.parametrize("state", ["finished", "running", "failed", "stopped"])
def test_live_shows_loss_and_score_and_says_that_there_are_no_gates(visit, runs_dir, state):
    run = make_run(runs_dir, state, progress=1.0 if state == "finished" else 0.6, method="full")
    app = visit("live", run=run.id)
    assert not app.exception
    assert SAYS in texts(app)
    assert len(app.get("vega_lite_chart")) == 2
    labels = {m.label for m in app.metric}
    assert "Accuracy" in labels and not labels & {"Gates closed", "Weights removed", "Target"}


@pytest.mark.parametrize("method", DENSE)
def test_dimensions_says_so_for_every_dense_method(visit, runs_dir, method):
    run = make_run(runs_dir, method=method)
    app = visit("dimensions", run=run.id)
    assert not app.exception and not app.get("plotly_chart")
    assert f"**{method}**" in app.info[0].value and SAYS in app.info[0].value


def test_a_dense_run_that_has_just_started_does_not_crash(visit, runs_dir):
    for state in ("queued", "starting"):
        run = make_run(runs_dir, state, progress=0, method="lora")
        for page in ("live", "dimensions"):
            assert not visit(page, run=run.id).exception


def test_the_table_of_runs_has_a_dash_where_a_dense_run_has_nothing(visit, runs_dir):
    make_run(runs_dir, method="full")
    make_run(runs_dir, method="finegates")
    labels = ["Recipe", "Score", "Target", "Removed", "Closed"]
    shown = visit("runs", columns=labels).dataframe[0].value.set_index("recipe")
    columns = ["target", "removed", "closed"]
    assert shown.loc["full", columns].isna().all()  # drawn as the table's placeholder
    assert shown.loc["finegates", columns].notna().all()
    assert shown.loc["full", "score"].endswith("accuracy")


def test_a_run_of_a_method_that_this_program_does_not_have_keeps_its_numbers(tmp_path):
    row = make_run(tmp_path).row() | {"method": "of-the-future", "keeps": []}
    assert table([row])["removed"].notna().all()
