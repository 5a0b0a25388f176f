"""Where a report can be had, and what it is where it can't be made."""

import pytest

from app.widgets import report_button as report_parts
from finegates.errors import RunError
from finegates.runs.folder import Run
from tests.app.fake_runs import make_group, make_run


def reports(app) -> list[str]:
    return [b.proto.label for b in app.get("download_button") if b.proto.label == "Report"]


@pytest.fixture
def made(monkeypatch):
    """Reports that were asked for: none is made unless somebody clicks."""
    asked = []
    monkeypatch.setattr(report_parts, "run_report", lambda run: asked.append(run) or "<p>")
    monkeypatch.setattr(report_parts, "runs_report", lambda runs: asked.append(runs) or "<p>")
    return asked


@pytest.mark.parametrize("state", ["finished", "running"])
def test_a_runs_report_is_offered_where_it_is_watched(visit, runs_dir, made, state):
    app = visit("live", run=make_run(runs_dir, state, progress=0.5).id)
    assert reports(app) == ["Report"] and not app.exception and not made


def test_a_queued_run_has_nothing_to_report_yet(visit, runs_dir):
    assert not reports(visit("live", run=make_run(runs_dir, "queued").id))


@pytest.mark.parametrize("count", [1, 3])
def test_ticked_runs_have_one_report(visit, runs_dir, made, count):
    runs = [make_run(runs_dir, seed=seed) for seed in range(count)]
    app = visit("runs")
    assert not reports(app)
    app.session_state["ticked_runs"] = [run.id for run in runs]
    app.run()
    assert reports(app) == ["Report"] and not app.exception and not made


def test_a_group_is_reported_where_it_is_compared(visit, runs_dir, made):
    make_group(runs_dir, "mine", ["finegates"], targets=(0.2,), seeds=(0, 1))
    app = visit("tradeoff", group="mine")
    assert reports(app) == ["Report"] and not app.exception and not made


def test_runs_that_are_a_group_are_reported_as_it(runs_dir):
    group = make_group(
        runs_dir, "mine", ["finegates"], targets=(0.2,), seeds=(0, 1, 2),
        state=lambda cell: "finished" if cell.seed < 2 else None,
    )  # fmt: skip
    runs = [Run(runs_dir / run) for run in group.runs]
    assert "Missing: finegates at 0.2: seed 2." in report_parts._of_several(runs)
    assert "Missing" not in report_parts._of_several(runs[:1]).split("<body>")[1]


def test_a_report_that_cannot_be_made_says_why_in_its_place(runs_dir, monkeypatch):
    def fail():
        raise RunError("a <b> is damaged")

    assert report_parts._made(fail).decode().endswith("No report: a &lt;b&gt; is damaged</p>")
