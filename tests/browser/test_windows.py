"""Addresses that are shared, reloads, and two windows at once."""

import re

import pytest
from playwright.sync_api import Page, expect

from finegates.runs.folder import list_runs
from finegates.runs.notes import read_notes
from tests.app.fake_runs import make_run
from tests.browser.steps import (
    metric,
    no_exception,
    open_page,
    settle,
    slider,
    state,
    wait_until_drawn,
)
from tests.browser.test_runs_table import FIRST_ROW_Y, tick

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

TABLE_ALT = "[aria-label*='runs, sorted by']"


def reload(page: Page) -> None:
    """As F5 does: a new session, which knows the address alone."""
    page.reload()
    settle(page)


def filter_box(page: Page):
    """The box that filters the table of runs."""
    return page.get_by_role("searchbox").or_(page.get_by_placeholder("Filter: task"))


def number_shown(page: Page, text: str) -> None:
    """What stands below the table of runs: how many are shown of how many."""
    expect(page.get_by_text(text)).to_be_visible()


def test_a_cut_in_the_address_outlives_a_reload_and_opens_for_a_colleague(server, browser):
    run = make_run(server.runs_dir, target_sparsity=0.4)
    make_run(server.runs_dir, target_sparsity=0.2)
    page = open_page(browser, f"{server.url}/prune?run={run.id}&by=Threshold&threshold=0.25")
    expect(slider(page, "Threshold")).to_have_value("0.25")
    handle = slider(page, "Threshold")
    handle.focus()
    for _ in range(7):
        handle.press("ArrowRight")
    page.wait_for_url("**threshold=0.32*")
    left = metric(page, "Weights left").inner_text()
    reload(page)
    colleague = open_page(browser, page.url)
    for window in (page, colleague):
        expect(slider(window, "Threshold")).to_have_value("0.32")
        box = window.get_by_role("combobox", name="Run").first
        expect(box).to_have_value(re.compile("^sample · finegates · 40% · seed 0"))
        expect(metric(window, "Weights left")).to_have_text(left)
        no_exception(window)


def test_filter_and_order_of_the_table_outlive_a_reload(server, browser):
    for method in ("finegates", "finegates+lora", "full"):
        make_run(server.runs_dir, method=method)
    page = open_page(browser, server.url)
    filter_box(page).fill("full")
    number_shown(page, "1 of 3 runs.")
    page.wait_for_url("**filter=full*")
    reload(page)
    expect(filter_box(page)).to_have_value("full")
    number_shown(page, "1 of 3 runs.")


def test_a_choice_in_one_window_leaves_the_other_alone(server, browser):
    run = make_run(server.runs_dir, target_sparsity=0.4)
    make_run(server.runs_dir, method="full")
    mine, yours = (
        open_page(browser, f"{server.url}/prune?run={run.id}&by=Threshold") for _ in range(2)
    )
    left = metric(yours, "Weights left").inner_text()
    slider(mine, "Threshold").focus()
    slider(mine, "Threshold").press("End")
    expect(metric(mine, "Gates closed")).to_have_text("100.0 %")
    yours.get_by_role("link", name="Runs").first.click()
    mine.get_by_role("link", name="Runs").first.click()
    filter_box(mine).fill("full")
    number_shown(mine, "1 of 2 runs.")
    expect(filter_box(yours)).to_have_value("")
    number_shown(yours, "2 runs.")
    yours.goto(f"{server.url}/prune?run={run.id}&by=Threshold")
    settle(yours)
    expect(slider(yours, "Threshold")).to_have_value("0")
    expect(metric(yours, "Weights left")).to_have_text(left)


def test_a_tag_and_a_deletion_in_one_window_appear_in_the_other(server, browser):
    first = make_run(server.runs_dir, method="finegates")  # gates stand before baselines
    make_run(server.runs_dir, method="full")
    mine, yours = (open_page(browser, server.url) for _ in range(2))
    wait_until_drawn(mine)
    tick(mine, FIRST_ROW_Y)
    mine.locator(".st-key-tag_ticked button").first.click()
    box = mine.get_by_role("combobox", name="Add tags")
    box.fill("keep-me")
    box.press("Enter")
    settle(mine)
    mine.get_by_role("button", name="Save tags").click()
    wait_until_drawn(mine)
    assert read_notes(first.path).tags == ("keep-me",)
    reload(yours)
    filter_box(yours).fill("keep-me")
    number_shown(yours, "1 of 2 runs.")
    filter_box(yours).fill("")
    number_shown(yours, "2 runs.")

    tick(mine, FIRST_ROW_Y)
    mine.locator(".st-key-delete_ticked button").first.click()
    mine.get_by_role("button", name="Yes, delete it").click()
    number_shown(mine, "1 run.")
    assert first.id not in [run.id for run in list_runs(server.runs_dir)]
    reload(yours)
    number_shown(yours, "1 run.")
    expect(yours.get_by_role("button", name="Bin (1)")).to_be_visible()
    expect(state(yours, "1 finished")).to_be_visible()
    for window in (mine, yours):
        no_exception(window)
