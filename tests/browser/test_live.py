"""The Live page while runs grow: charts keep their place and their zoom."""

import pytest
from playwright.sync_api import Locator, expect

from tests.app.fake_runs import TINY, grow, make_run
from tests.browser.steps import chart_named, no_exception, open_page, state

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

TOTAL, TICK_MS, TICKS = 190, 2000, 3
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
        expect(page.get_by_text(f"Step {end} of {TOTAL}")).to_be_visible(timeout=5 * TICK_MS)
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
