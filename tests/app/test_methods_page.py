"""The Methods page: the registry, what was published about it, and the start of a sweep."""

import json

import numpy as np
import pandas as pd
import pytest

from app.charts import methods as chart
from app.methods.choice import PICKED
from app.methods.frames import in_order, link_of, matching, methods_frame, points
from app.reading import methods as reading
from finegates.methods import METHODS
from finegates.methods.method import REMOVES, SPARSE_DELTA
from finegates.results.compared import MEASURE, compared_of, method_scores
from tests.app.components import codes
from tests.app.fake_runs import make_run
from tests.app.test_pages import texts
from tests.fake_compared import record, row

ROWS = (
    row("lora", score=0.7),
    row("lora", seed=1, score=0.8),
    row("vera", score=None, state="failed", reason="=The disk is full."),
    row("finegates", removed=0.4, ratio=2.0),
    row("finegates-official", removed=0.03),
    row("of-the-future"),
    row("lora", "rte", score=0.55),
)


@pytest.fixture
def publish(tmp_path, monkeypatch):
    """Puts this in place of what came with the program; nothing if it is not called."""
    path = tmp_path / "compared.json"
    monkeypatch.setattr(reading, "COMPARED_PATH", path)
    return lambda content: path.write_text(content)


def table_of(app) -> pd.DataFrame:
    return app.dataframe[0].value.set_index("method")


def links(app) -> dict[str, str]:
    return {link.proto.label: link.proto.query_string for link in app.get("page_link")}


def test_without_a_comparison_every_method_is_there_and_how_to_measure_is_told(visit, publish):
    app = visit("methods")
    assert not app.exception and not app.error
    shown = table_of(app)
    assert [*shown.index] == [*METHODS] and "score" not in shown.columns
    assert shown["trained"].notna().all() and "not been measured yet" in app.info[0].value
    assert codes(app) == ["\n".join(MEASURE)] and not app.get("vega_lite_chart")


def test_scores_costs_and_failures_stand_beside_their_methods(visit, publish, runs_dir):
    publish(json.dumps(record(*ROWS)))
    make_run(runs_dir, method="lora")
    app = visit("methods")
    assert not app.exception and not app.error
    shown = table_of(app)
    assert shown.loc["lora", ["score", "ratio", "runs"]].tolist() == [0.75, 1.5, 1]
    assert shown.loc["finegates", ["removed", "ratio"]].tolist() == [40.0, 2.0]
    assert shown.loc["vera", "failed"].endswith("=The disk is full.")
    assert not shown.loc["vera", "failed"].startswith("=") and "of-the-future" not in shown.index
    assert len(app.get("vega_lite_chart")) == 2 and "Measured 2026-01-01" in texts(app)
    app = visit("methods", scores_on="rte")
    assert table_of(app)["score"].count() == 1 and len(app.get("vega_lite_chart")) == 1
    assert "None of these methods has a score here." in texts(app)


def test_what_removing_gains_is_weights_or_measured_time(visit, publish):
    timed = row("finegates+lora", removed=0.4, speedup=1.7, only_answer="positive")
    publish(json.dumps(record(*ROWS, timed)))
    app = visit("methods")
    assert not app.exception and "Score against removed weights" in texts(app)
    shown = table_of(app).loc["finegates+lora"]
    assert shown["speedup"] == 1.7 and "one answer to every row" in shown["failed"]
    app = visit("methods", gained="Time")
    assert not app.exception and "Score against measured time" in texts(app)
    assert len(app.get("vega_lite_chart")) == 2
    drawn = json.loads(app.get("vega_lite_chart")[1].proto.spec)
    assert "speedup" in json.dumps(drawn) and "removed:Q" not in json.dumps(drawn["layer"][0])


@pytest.mark.parametrize("content", ["{", "{}"])
def test_a_damaged_comparison_is_told_and_the_registry_shown(visit, publish, content):
    publish(content)
    app = visit("methods")
    assert not app.exception and len(app.error) == 1
    assert len(table_of(app)) == len(METHODS) and not app.info


def test_filters_are_in_the_address_and_say_when_nothing_is_left(visit, publish):
    app = visit("methods", family=REMOVES, about="sensitivity")
    assert {*table_of(app).index} == {"sensitivity", "sensitivity-full"}
    assert {*table_of(visit("methods", merging="no", about="hypercomplex")).index} == {
        name for name in METHODS if name.startswith("compacter")
    }
    app = visit("methods", family=SPARSE_DELTA, removing="yes")
    assert not app.exception and "No method matches" in app.info[0].value


def test_parameters_are_of_the_model_that_is_chosen(visit, publish):
    small, large = (
        table_of(visit("methods", counted_for=name))["trained"]
        for name in ("MiniLM", "RoBERTa-large")
    )
    assert (small < large).all() and large["lora"] == 786_432


def test_picked_methods_are_what_the_sweep_is_opened_with(visit, publish, runs_dir):
    make_run(runs_dir, method="lora")
    app = visit("methods", picked=["lora", "finegates+lora"])
    assert links(app)["Start on my data"] == "methods=lora%2Cfinegates%2Blora"
    assert links(app)["Their runs"] == "in_recipe=lora"
    app.multiselect(key=PICKED).set_value([]).run()
    assert all(link.proto.disabled for link in app.get("page_link")[-2:])


# Frames and the chart


def test_links_are_of_the_first_paper_or_the_code():
    assert link_of("arXiv 2106.09685; ranks of arXiv 2412.12951") == (
        "https://arxiv.org/abs/2106.09685"
    )
    assert link_of("github.com/jsvir/FineGates, commit 5ab6421") == (
        "https://github.com/jsvir/FineGates"
    )
    assert link_of("the usual practice") is None


def test_what_has_no_value_stands_last():
    scores = {s.method: s for s in method_scores(compared_of(record(*ROWS[:5])).runs)}
    frame = methods_frame({}, scores, {}, {})
    for descending in (True, False):
        assert in_order(frame, "score", descending)["score"][:3].notna().all()
    assert len(matching(frame, "lora no-such-word", ())) == 0
    found = points(frame, scores, ["lora"])
    assert {*found["method"]} == {"lora", "finegates", "finegates-official"}
    assert found.set_index("method")["chosen"].to_dict()["lora"]


def test_no_two_names_lie_on_one_another_and_crowds_leave_some_out():
    rng, number = np.random.default_rng(0), 300
    frame = pd.DataFrame(
        {
            "method": "a-long-name",
            "score": rng.random(number),
            "trained": rng.integers(1, 9, number),
        }
    )
    named = chart.with_names(frame, "trained", True, (0.5, 16.0), (0.0, 1.0))
    pixels = named["name_y"].dropna() * chart.HEIGHT
    assert 0 < len(pixels) < number
    for _, together in pixels.groupby([named["trained"], named["side"]]):
        assert (np.diff(np.sort(together)) >= chart.LINE - 1e-6).all()
