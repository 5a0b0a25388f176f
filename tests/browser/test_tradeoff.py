"""A click on a point of the trade-off chart, in a real Chromium, while the page ticks."""

import pytest
from playwright.sync_api import expect

from tests.app.fake_runs import make_group, make_run
from tests.browser.steps import SHORT_MS, chart_named, no_exception, open_page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_a_click_on_a_point_opens_its_run_while_the_page_ticks(server, browser):
    group = make_group(server.runs_dir, "mine", ["finegates"], (0.4,), (0,))
    make_run(server.runs_dir, "running", progress=0.5)
    page = open_page(browser, f"{server.url}/tradeoff?group=mine")
    chart = chart_named(page, "finished runs on sample")
    expect(chart).to_be_visible()
    point = chart.locator(f"path[aria-label*='Run: {group.runs[0]}']")
    expect(point).to_have_count(1, timeout=SHORT_MS)
    point.click()
    page.wait_for_url("**/live*")
    page.wait_for_url(f"**/live?*run={group.runs[0]}*")
    no_exception(page)
