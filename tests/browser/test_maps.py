"""Maps on the Dimensions page: looked at with mouse and keys; what a visit asks for."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.app.fake_runs import make_run
from tests.browser.steps import no_exception, open_page, settle, wait_until_drawn

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

HEAVY = ("PlotlyChart", "StreamlitSyntaxHighlighter")
DIMENSIONS = "dimensions?run={}"


def canvas(page: Page, name: str):
    return page.locator(f"canvas[aria-label*='{name}']")


def opened(server, browser, more: str = "", **options) -> tuple[Page, str]:
    run = make_run(server.runs_dir)
    page = open_page(browser, f"{server.url}/{DIMENSIONS.format(run.id)}{more}", **options)
    wait_until_drawn(page)
    return page, run.id


def test_arrow_keys_read_the_cells(server, browser):
    page, _ = opened(server, browser)
    canvas(page, "Gates of Query").focus()
    tip = page.locator(".tip:visible")
    page.keyboard.press("ArrowRight")
    expect(tip).to_contain_text("layer 0, head 0, dimension 0")
    for key in ("ArrowDown", *["ArrowRight"] * 9):
        page.keyboard.press(key)
    expect(tip).to_contain_text("layer 1, head 1, dimension 9")
    expect(tip).to_contain_text("gate value")


def test_a_drag_zooms_and_a_double_click_goes_back(server, browser):
    page, _ = opened(server, browser, "&role=ffn")
    found = canvas(page, "Gates of Feed-forward")
    box = found.bounding_box()
    y, tip = box["y"] + 20, page.locator(".tip:visible")
    page.mouse.move(box["x"] + box["width"] / 2, y)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], y, steps=4)
    page.mouse.up()
    page.mouse.move(box["x"] + 50, y)
    expect(tip).to_contain_text("dimension 16")
    found.dblclick(position={"x": 60, "y": 20})
    page.mouse.move(box["x"] + 50, y)
    expect(tip).to_contain_text("dimension 0")


def test_a_click_on_a_head_opens_the_maps_on_it_and_so_does_enter(server, browser):
    page, run = opened(server, browser)
    heads = canvas(page, "Open share of each head")
    heads.click(position={"x": 44 + 45, "y": 6 + 22})
    settle(page)
    expect(page.get_by_text("Layer 1, head 1", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile(rf"run={run}.*head=1\.1"))
    page.get_by_role("button", name="Show all heads").click()
    expect(page).not_to_have_url(re.compile("head="))
    heads.focus()
    for key in ("ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    expect(page.get_by_text("Layer 0, head 1", exact=True)).to_be_visible()
    no_exception(page)


def test_playing_ends_at_the_last_step_and_then_asks_for_nothing(server, browser):
    page, _ = opened(server, browser)
    last = page.get_by_role("slider", name="Step").get_attribute("aria-valuetext")
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    assert page.get_by_role("slider", name="Step").get_attribute("aria-valuetext") == last
    wait_until_drawn(page)
    frames: list[object] = []
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.webSocketFrameSent", lambda frame: frames.append(frame))
    page.wait_for_timeout(2000)
    assert not frames


def test_a_visit_loads_neither_plotly_nor_the_highlighter(server, browser):
    asked: list[str] = []
    page, run = opened(server, browser, asked=asked)
    for path in (f"dimensions?run={run}&show=Residual+stream", "new_run", "new_sweep"):
        page.goto(f"{server.url}/{path}")
        wait_until_drawn(page)
    assert asked and not [url for url in asked if any(name in url for name in HEAVY)]


def test_files_of_the_app_come_compressed(server, browser):
    page, _ = opened(server, browser)
    page.context.close()
    context = browser.new_context()
    page = context.new_page()
    how: dict[str, str | None] = {}
    page.on("response", lambda r: how.update({r.url: r.headers.get("content-encoding")}))
    page.goto(server.url)
    settle(page)
    assert [coding for url, coding in how.items() if "/static/js/protobuf." in url] == ["gzip"]
