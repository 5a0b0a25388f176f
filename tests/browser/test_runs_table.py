"""The table of runs: a run opens while it ticks, ticked runs are compared."""

import time

import pytest
from playwright.sync_api import Page, expect

from finegates.runs.folder import list_runs
from tests.app.fake_runs import make_run
from tests.browser.steps import SHORT_MS, chart_named, no_exception, open_page, wait_until_drawn

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

FIRST_ROW_Y, SECOND_ROW_Y = 53, 88
TICK_X, OPEN_X = 17, 62


def tick(page: Page, *rows_y: int) -> None:
    """Ticks rows of the table, which is painted on a canvas, so by place."""
    table = page.get_by_test_id("stDataFrame").first
    for y in rows_y:
        table.click(position={"x": TICK_X, "y": y})
        wait_until_drawn(page)


@pytest.mark.parametrize("way", ["open button", "ticked row", "page list"])
def test_a_run_opens_while_the_table_ticks(server, browser, way):
    make_run(server.runs_dir)
    time.sleep(1)  # names of runs have a resolution of one second
    make_run(server.runs_dir, "running", progress=0.5)
    newest, finished = list_runs(server.runs_dir)
    page = open_page(browser, server.url)
    table = page.get_by_test_id("stDataFrame").first
    expect(table).to_be_visible()
    for wait_ms in (300, 1100, 1900):
        page.wait_for_timeout(wait_ms)  # before, at and after a tick
        if way == "open button":
            table.click(position={"x": OPEN_X, "y": SECOND_ROW_Y})
        elif way == "ticked row":
            table.click(position={"x": TICK_X, "y": SECOND_ROW_Y})
            # the last: the others are in the menu and next to the run that was opened before
            links = page.get_by_test_id("stMainBlockContainer").get_by_role("link", name="Live")
            expect(links).to_have_count(1 + ("run=" in page.url))
            links.last.click()
        else:
            page.get_by_role("link", name="Live").first.click()
        wanted = newest.id if way == "page list" else finished.id
        page.wait_for_url(f"**/live?*run={wanted}*")
        expect(chart_named(page, "Gate values of each layer")).to_be_visible(timeout=SHORT_MS)
        page.get_by_role("link", name="Runs").first.click()
        expect(table).to_be_visible()
        if way == "ticked row":
            page.wait_for_timeout(1000)
            table.click(position={"x": TICK_X, "y": SECOND_ROW_Y})  # untick


def test_two_ticked_runs_are_compared_and_what_differs_is_told(server, browser):
    runs = [
        make_run(server.runs_dir, method=method, target_sparsity=0.4, score=score)
        for method, score in (("finegates", 0.71), ("finegates+lora", 0.86))
    ]
    page = open_page(browser, server.url)
    wait_until_drawn(page)
    tick(page, FIRST_ROW_Y, SECOND_ROW_Y)
    expect(page.get_by_text("2 runs ticked")).to_be_visible()
    page.get_by_test_id("stMainBlockContainer").get_by_role("link", name="Compare").click()
    page.wait_for_url("**/compare?runs=*&runs=*")
    for run in runs:
        expect(page.locator(".st-key-runs_box")).to_contain_text(run.row()["name"])
    for title in ("Loss", "Accuracy", "Weights removed"):
        expect(chart_named(page, f"{title} of 2 runs against step")).to_be_visible()
    page.get_by_text("Minutes", exact=False).first.click()
    expect(chart_named(page, "Loss of 2 runs against minutes")).to_be_visible()
    no_exception(page)
