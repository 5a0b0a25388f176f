"""Methods are picked in the table and by name, and the sweep's form opens with just these."""

import pytest
from playwright.sync_api import expect

from tests.browser.steps import no_exception, open_page, wait_until_drawn
from tests.browser.test_runs_table import FIRST_ROW_Y, TICK_X

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_two_picked_methods_are_those_of_the_sweep(server, browser):
    page = open_page(browser, f"{server.url}/methods?about=hypercomplex&family=dense+adapter")
    wait_until_drawn(page)
    table = page.get_by_test_id("stDataFrame").first
    table.click(position={"x": TICK_X, "y": FIRST_ROW_Y})  # painted on a canvas, so by place
    page.wait_for_url("**picked=compacter*")
    wait_until_drawn(page)
    box = page.get_by_role("combobox", name="Picked")
    box.fill("finegates+lora")
    page.get_by_role("option", name="finegates+lora", exact=True).click()
    page.wait_for_url("**picked=finegates*lora*")
    box.press("Escape")  # the open list hides the rest of the page
    wait_until_drawn(page)
    page.get_by_role("link", name="Start on my data").click()
    page.wait_for_url("**/new_sweep?methods=*")
    expect(page.locator(".st-key-sweep_removing")).to_contain_text("finegates+lora")
    expect(page.locator(".st-key-sweep_dense")).to_contain_text("compacter")
    expect(page.get_by_text("--methods compacter,finegates+lora")).to_be_visible()
    no_exception(page)
