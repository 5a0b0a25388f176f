"""A report is downloaded and opens from a disk, in a browser that has no network."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.app.fake_runs import make_curve, make_run
from tests.browser.steps import open_page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

FEWEST_FIGURES = 3
MARKS = ".js-plotly-plot :is(path.js-line, .bars path, .hm image, path.point)"


def without_network(browser: Browser, asked: list[str]) -> Page:
    """A page whose every request but that for a file fails, and is noted."""
    context = browser.new_context(offline=True)

    def answer(route) -> None:
        address = route.request.url
        if address.startswith(("file:", "data:", "blob:")):
            route.continue_()
        else:
            asked.append(address)
            route.abort()

    context.route("**/*", answer)
    return context.new_page()


def test_a_downloaded_report_draws_its_figures_without_a_network(server, browser, tmp_path):
    run = make_run(server.runs_dir, target_sparsity=0.4)
    make_curve(run)
    page = open_page(browser, f"{server.url}/live?run={run.id}")
    with page.expect_download() as download:
        page.get_by_role("button", name="Report").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.name == f"report-{run.id}.html"

    asked: list[str] = []
    problems: list[str] = []
    report = without_network(browser, asked)
    report.on("pageerror", lambda error: problems.append(str(error)))
    report.goto(file.as_uri())
    expect(report.get_by_role("heading").first).to_contain_text("sample · finegates · 40%")
    expect(report.get_by_text(run.id).first).to_be_attached()
    figures = report.locator("figure")
    number = figures.count()
    assert number >= FEWEST_FIGURES
    for place in range(number):
        figures.nth(place).scroll_into_view_if_needed()
        marks = figures.nth(place).locator(MARKS)
        expect(marks.first).to_be_attached()
    assert not asked and not problems, (asked, problems)
