"""Prune & time: the cut moves with the slider at once; what costs time runs in the background."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from finegates.runs.folder import Run, create_run
from finegates.runs.measurements import read_points, read_thresholds
from finegates.spec import make_spec
from tests.app.fake_runs import make_run
from tests.browser.steps import (
    TRAINING_MS,
    chart_named,
    metric,
    no_exception,
    open_page,
    settle,
    slider,
    wait_until_drawn,
)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

NOT_MEASURED = "not measured"


@pytest.fixture(scope="module")
def trained_toy(toy_model_dir, tmp_path_factory) -> Run:
    """A run that was really trained, with its weights: a toy, in a second."""
    from finegates.jobs.inputs import check_inputs
    from finegates.jobs.worker import execute

    settings = {"model": str(toy_model_dir), "max_train_samples": 64, "epochs": 2,
                "batch_size": 16, "device": "cpu", "precision": "fp32"}  # fmt: skip
    spec, data = check_inputs(make_spec(settings))
    run = create_run(spec, data, tmp_path_factory.mktemp("trained"))
    assert execute(run, "cpu").state == "finished", run.log_tail()
    return run


@pytest.fixture
def run(server, trained_toy) -> Run:
    """The trained run in the folder that the server shows."""
    copy = server.runs_dir / trained_toy.id
    shutil.copytree(trained_toy.path, copy)
    return Run(Path(copy))


def percent(page: Page, label: str) -> float:
    """The number of a tile, in percent."""
    return float(metric(page, label).inner_text().rstrip("% "))


def move(page: Page, label: str, key: str, times: int) -> None:
    """Moves a slider by the keyboard."""
    handle = slider(page, label)
    handle.focus()
    for _ in range(times):
        handle.press(key)
    settle(page)


def test_survivors_follow_the_threshold_at_once(server, browser):
    run = make_run(server.runs_dir, target_sparsity=0.4)
    page = open_page(browser, f"{server.url}/prune?run={run.id}&by=Threshold")
    columns = chart_named(page, "Open share of the in gates")
    expect(columns).to_be_visible()
    wait_until_drawn(page)
    before = columns.screenshot()
    left, closed = metric(page, "Weights left").inner_text(), percent(page, "Gates closed")
    move(page, "Threshold", "End", 1)
    expect(metric(page, "Gates closed")).to_have_text("100.0 %")
    move(page, "Threshold", "ArrowLeft", 3)
    page.wait_for_url("**threshold=0.97*")
    expect(metric(page, "Gates closed")).not_to_have_text("100.0 %")
    assert closed < percent(page, "Gates closed") < 100
    expect(metric(page, "Weights left")).not_to_have_text(left)
    wait_until_drawn(page)
    assert columns.screenshot() != before, "the bars stood still"
    move(page, "Threshold", "Home", 1)
    expect(metric(page, "Weights left")).to_have_text(left)
    assert not (run.path / "tasks").exists(), "looking starts no process"
    no_exception(page)


def test_a_cut_is_scored_in_the_background_while_the_page_answers(server, browser, run):
    page = open_page(browser, f"{server.url}/prune?run={run.id}&by=Threshold&threshold=0.3")
    expect(metric(page, "Accuracy")).to_have_text(NOT_MEASURED)
    page.get_by_role("button", name="Score this cut").click()
    expect(page.get_by_text("Scoring", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Score this cut")).to_be_disabled()
    before = metric(page, "Weights left").inner_text()
    move(page, "Threshold", "End", 1)
    expect(metric(page, "Weights left")).not_to_have_text(before)
    move(page, "Threshold", "Home", 1)
    for _ in range(30):
        slider(page, "Threshold").press("ArrowRight")
    expect(metric(page, "Accuracy")).not_to_have_text(NOT_MEASURED, timeout=TRAINING_MS)
    points = [*read_points(run), *read_thresholds(run)]
    (point,) = [p for p in points if p["threshold"] == 0.3]
    assert metric(page, "Accuracy").inner_text() == f"{point['score']:.3f}"
    no_exception(page)
