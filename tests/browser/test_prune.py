"""Prune & time: the cut moves with the slider at once; what costs time runs in the background."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from finegates.exporting.package import loading_lines
from finegates.jobs.tasks import read_task
from finegates.runs.folder import Run, create_run
from finegates.runs.measurements import read_points
from finegates.spec import make_spec
from tests.app.fake_runs import make_run
from tests.browser.steps import (
    TRAINING_MS,
    chart_named,
    choose_option,
    metric,
    no_exception,
    open_page,
    settle,
    slider,
    wait_until_drawn,
)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

BUDGET, NOT_MEASURED = "To remove", "not measured"
MENU = "Save the smaller model"


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
    page = open_page(browser, f"{server.url}/prune?run={run.id}&remove=0.1")
    expect(metric(page, "Accuracy")).to_have_text(NOT_MEASURED)
    page.get_by_role("button", name="Score this cut").click()
    expect(page.get_by_text("Scoring", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Score this cut")).to_be_disabled()
    before = metric(page, "Weights left").inner_text()
    move(page, BUDGET, "End", 1)
    expect(metric(page, "Weights left")).not_to_have_text(before)
    move(page, BUDGET, "Home", 1)
    move(page, BUDGET, "ArrowRight", 10)
    expect(metric(page, "Accuracy")).not_to_have_text(NOT_MEASURED, timeout=TRAINING_MS)
    (point,) = [p for p in read_points(run) if p["remove"] == 0.1]
    assert metric(page, "Accuracy").inner_text() == f"{point['score']:.3f}"
    no_exception(page)


ASK = """
print("SAID", classify("a fine film")[0]["label"])
"""


def test_from_a_finished_run_to_a_downloaded_model_that_loads_elsewhere(
    server, browser, run, tmp_path
):
    page = open_page(browser, f"{server.url}/prune?run={run.id}")
    menu, save = (page.get_by_role("button", name=name) for name in (MENU, "Save"))
    menu.click()
    save.last.dblclick()
    expect(page.get_by_text("Saving the smaller model", exact=True)).to_be_visible()
    expect(page.get_by_text("Other formats")).to_have_count(0)
    page.context.close()  # the work goes on without its page

    page = open_page(browser, f"{server.url}/prune?run={run.id}")
    button = page.get_by_role("button", name="Download as .zip")
    expect(button).to_be_visible(timeout=TRAINING_MS)
    assert read_task(run, "save").result["run"] == run.id
    page.reload()
    with page.expect_download() as downloading:
        button.click()
    archive = downloading.value
    name = archive.suggested_filename.removesuffix(".zip")
    assert name == "sample-finegates-lora-30pct"
    expect(page.get_by_text(loading_lines(name).splitlines()[-1])).to_be_visible()
    archive.save_as(tmp_path / "model.zip")
    with zipfile.ZipFile(tmp_path / "model.zip") as file:
        assert {Path(each).parts[0] for each in file.namelist()} == {name}
        file.extractall(tmp_path / "elsewhere")
    words = [sys.executable, "-c", loading_lines(name) + ASK]
    said = subprocess.run(words, cwd=tmp_path / "elsewhere", capture_output=True, text=True)
    assert "SAID" in said.stdout, said.stderr
    no_exception(page)


def test_a_cut_stays_with_its_run_and_a_link_names_another(server, browser):
    run, other = (make_run(server.runs_dir, target_sparsity=target) for target in (0.4, 0.2))
    page = open_page(browser, f"{server.url}/prune?run={run.id}")
    expect(slider(page, BUDGET)).to_have_value("0.4")
    move(page, BUDGET, "ArrowRight", 5)
    page.wait_for_url("**remove=0.45*")
    page.reload()
    expect(slider(page, BUDGET)).to_have_value("0.45")
    choose_option(page, "Run", "20%")
    expect(slider(page, BUDGET)).to_have_value("0.2")
    page.goto(f"{server.url}/prune?run={other.id}&threshold=0.5")
    expect(slider(page, "Threshold")).to_have_value("0.5")
    no_exception(page)
