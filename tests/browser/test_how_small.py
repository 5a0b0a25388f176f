"""How small?: from the question to the answer, with real trainings of a toy in the background."""

import pytest
from playwright.sync_api import expect

from finegates.fitting.drive import is_driven
from finegates.fitting.file import list_fits, open_fit
from finegates.runs.folder import open_run
from tests.browser.steps import (
    POLL_MS,
    TRAINING_MS,
    chart_named,
    choose_toy,
    fill,
    metric,
    no_exception,
    open_page,
    state,
    wait_until_drawn,
)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def test_a_question_is_answered_in_the_background(server, browser, toy_model_dir):
    page = open_page(browser, f"{server.url}/how_small")
    choose_toy(page, toy_model_dir)
    fill(page, "spinbutton", "Points that may be lost", 60)
    fill(page, "spinbutton", "Trainings, at most", 2)
    fill(page, "spinbutton", "Epochs", 1)
    fill(page, "spinbutton", "Training rows, at most", 200)
    page.get_by_role("button", name="Find it").click()
    expect(state(page, "searching")).to_be_visible(timeout=TRAINING_MS)
    (name,) = list_fits(server.runs_dir)
    page.context.close()  # nobody looks

    page = open_page(browser, f"{server.url}/how_small")
    expect(page.get_by_text("The answer", exact=True)).to_be_visible(timeout=TRAINING_MS)
    assert metric(page, "Trainings").inner_text().startswith("3")
    expect(chart_named(page, "lost over the share of weights removed")).to_be_visible()
    fit = open_fit(server.runs_dir, name)
    states = [open_run(server.runs_dir, r).status().state for r in (fit.reference, *fit.runs)]
    assert states == ["finished"] * 3
    while is_driven(server.runs_dir, name):  # it prints the answer, then ends
        page.wait_for_timeout(POLL_MS)
    wait_until_drawn(page)
    expect(page.get_by_text("The answer", exact=True)).to_have_count(1)
    page.get_by_role("link", name="Time it and save the smaller model").click()
    page.wait_for_url("**/prune?run=*")
    no_exception(page)
