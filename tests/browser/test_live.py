"""The Live page while runs grow: charts keep their place and their zoom."""

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.app.fake_runs import TINY, grow, make_run
from tests.browser.steps import chart_named, no_exception, open_page, state, wait_until_drawn

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

TOTAL, LOOK_MS, TICKS = 190, 12_000, 3
QUIET_MS = 5000
HIDE = """(how) => {
  Object.defineProperty(document, 'visibilityState', {value: how, configurable: true})
  document.dispatchEvent(new Event('visibilitychange'))
}"""
"""What a page sees of a tab that goes to the background, or comes back."""
ZOOM_TURNS, TURN = 8, -120
SECOND_CHART_MS = 60_000


def step_labels(chart: Locator) -> list[int]:
    """Numbers below the x axis."""
    labels = chart.locator("[aria-label^='X-axis titled']").locator(".role-axis-label text")
    return [int(text) for text in labels.all_text_contents() if text]


def test_zoom_and_place_of_a_chart_outlive_its_refreshes(server, browser):
    run = make_run(server.runs_dir, "running", progress=0.5, total_steps=TOTAL)
    page = open_page(browser, f"{server.url}/live?run={run.id}")
    chart = chart_named(page, "Task loss").first
    expect(chart.locator("svg.marks")).to_be_visible(timeout=SECOND_CHART_MS)
    page.wait_for_timeout(1500)
    whole = step_labels(chart)
    assert whole[0] == 0 and whole[-1] >= 150
    chart.locator("svg.marks").evaluate("node => node.dataset.seen = 'yes'")
    box = chart.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 80)
    page.keyboard.down("Control")
    for _ in range(ZOOM_TURNS):
        page.mouse.wheel(0, TURN)
        page.wait_for_timeout(60)
    page.keyboard.up("Control")
    page.wait_for_timeout(1000)
    near = step_labels(chart)
    assert near[0] > whole[0] and near[-1] < whole[-1], f"not zoomed: {near}"
    for end in range(100, 100 + 10 * TICKS, 10):
        grow(run, TINY, TOTAL, start=end - 10 + 5 * (end == 100), end=end)
        expect(page.get_by_text(f"Step {end} of {TOTAL}")).to_be_visible(timeout=3 * LOOK_MS)
    page.wait_for_timeout(500)
    assert step_labels(chart) == near
    assert chart.locator("svg.marks").get_attribute("data-seen") == "yes", "was drawn anew"


def test_several_runs_are_watched_and_stopped_one_by_one(server, browser):
    runs = [
        make_run(server.runs_dir, "running", progress=0.5, target_sparsity=target)
        for target in (0.2, 0.4, 0.6)
    ]
    page = open_page(browser, f"{server.url}/live")
    expect(state(page, "running")).to_be_visible()
    expect(page.get_by_role("button", name="Pause")).to_have_count(3)
    page.get_by_role("button", name="Stop").nth(1).click()
    expect(page.get_by_role("button", name="Stop", exact=True)).to_have_count(2)
    assert [(run.path / "stop").exists() for run in runs] == [False, True, False]
    expect(chart_named(page, "Task loss")).to_be_visible()
    no_exception(page)


def messages_in(page: Page, milliseconds: int) -> int:
    """How often the page asks the server for something in this time."""
    before = page.evaluate("window.asked")
    page.wait_for_timeout(milliseconds)
    return page.evaluate("window.asked") - before


def counted(browser: Browser, url: str) -> Page:
    """A page that counts what it sends."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.add_init_script("""
      window.asked = 0
      const send = WebSocket.prototype.send
      WebSocket.prototype.send = function (...given) {
        window.asked += 1
        return send.apply(this, given)
      }
    """)
    page.goto(url)
    wait_until_drawn(page)
    page.wait_for_timeout(1000)
    return page


PAGES = ("live?run={0}", "compare?runs={0}&runs={1}", "")
"""Pages that follow runs."""


@pytest.mark.parametrize("place", PAGES)
@pytest.mark.parametrize("state", ["paused", "finished"])
def test_nothing_is_asked_of_a_run_that_brings_nothing(server, browser, state, place):
    runs = [
        make_run(server.runs_dir, state, progress=0.5 if state == "paused" else 1.0).id
        for _ in range(2)
    ]
    page = counted(browser, f"{server.url}/{place.format(*runs)}")
    assert messages_in(page, QUIET_MS) == 0


@pytest.mark.parametrize("place", PAGES)
def test_a_page_of_a_run_at_work_asks_only_while_it_is_looked_at(server, browser, place):
    runs = [make_run(server.runs_dir, "running", progress=0.5).id for _ in range(2)]
    page = counted(browser, f"{server.url}/{place.format(*runs)}")
    assert messages_in(page, QUIET_MS) > 0
    page.evaluate(HIDE, "hidden")
    page.wait_for_timeout(500)
    assert messages_in(page, QUIET_MS) == 0


def test_news_come_when_a_hidden_window_is_back(server, browser):
    run = make_run(server.runs_dir, "running", progress=0.5, total_steps=TOTAL)
    page = counted(browser, f"{server.url}/live?run={run.id}")
    page.evaluate(HIDE, "hidden")
    page.wait_for_timeout(500)
    grow(run, TINY, TOTAL, start=95, end=150)
    page.evaluate(HIDE, "visible")
    expect(page.get_by_text(f"Step 150 of {TOTAL}")).to_be_visible(timeout=2 * LOOK_MS)
    no_exception(page)


def test_a_page_that_follows_a_run_neither_fades_nor_has_a_second_stop(server, browser):
    run = make_run(server.runs_dir, "running", progress=0.5)
    page = counted(browser, f"{server.url}/live?run={run.id}")
    looks = page.evaluate("""() => {
      const one = document.querySelector('[data-testid=stMetric]')
      const part = one.closest('[data-testid=stElementContainer]')
      part.dataset.stale = 'true'
      const status = document.createElement('div')
      status.dataset.testid = 'stStatusWidget'
      document.body.append(status)
      return [getComputedStyle(part).opacity, getComputedStyle(status).display]
    }""")
    assert looks == ["1", "none"]
