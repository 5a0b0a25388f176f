"""One chosen run: every page, by every way in, shows the run whose name stands above it."""

import pytest
from playwright.sync_api import Page, expect

from app.places import PLACES
from finegates.runs.bin import delete_run
from finegates.runs.folder import Run
from tests.app.fake_runs import make_run
from tests.browser.server import Server
from tests.browser.steps import metric, no_exception, open_page, settle, wait_until_drawn

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SHOW_A_RUN = ("live", "dimensions", "prune")
TITLES = {
    "runs": "Runs", "new_run": "New run", "data": "Data", "new_sweep": "Sweep",
    "compare": "Compare", "methods": "Methods", "tradeoff": "Accuracy vs sparsity",
    "paper": "Paper", "live": "Live", "dimensions": "Dimensions", "prune": "Prune & time",
    "how_small": "How small?",
}  # fmt: skip
REMOVED = {"few": "2", "many": "5"}
"""How the share of removed weights of each run begins, in percent."""


@pytest.fixture
def runs(server: Server) -> dict[str, Run]:
    """Two runs with gates, of which ``many`` is the best, and a dense one."""
    targets = {"few": 0.2, "many": 0.5}
    made = {k: make_run(server.runs_dir, target_sparsity=t) for k, t in targets.items()}
    return made | {"dense": make_run(server.runs_dir, method="full", score=0.9)}


def box(page: Page) -> str:
    """The name of the chosen run, above the page."""
    return page.locator(".st-key-run_box input").input_value()


def go(page: Page, name: str) -> None:
    """By the menu."""
    page.get_by_test_id("stTopNavLink").get_by_text(TITLES[name], exact=True).click()
    page.wait_for_url(f"**/{'' if name == 'runs' else name}*")
    wait_until_drawn(page)


def shows(page: Page, name: str, run: Run, key: str) -> None:
    """This page, with this run's name and address, and where it shows a run, this one's numbers."""
    wait_until_drawn(page)
    no_exception(page)
    expect(page).to_have_title(f"{TITLES[name]} · FineGates Studio")
    assert f"run={run.id}" in page.url and box(page) == run.row()["name"], page.url
    if name in SHOW_A_RUN:
        assert metric(page, "Weights removed").inner_text().startswith(REMOVED[key]), page.url


def test_the_menu_back_and_reload_keep_the_run(server, browser, runs):
    page = open_page(browser, f"{server.url}/prune?run={runs['few'].id}")
    walk = ["prune", *(name for name in PLACES if name != "prune"), "prune"]
    for name in walk[1:]:
        go(page, name)
        shows(page, name, runs["few"], "few")
    for name in walk[-2::-1]:
        page.go_back()
        shows(page, name, runs["few"], "few")
    for name in SHOW_A_RUN:
        go(page, name)
        page.reload()
        shows(page, name, runs["few"], "few")


def test_back_leads_to_the_run_that_was_shown(server, browser, runs):
    page = open_page(browser, f"{server.url}/dimensions?run={runs['few'].id}")
    shows(page, "dimensions", runs["few"], "few")
    choose(page, runs["many"])
    shows(page, "dimensions", runs["many"], "many")
    page.get_by_test_id("stPageLink").filter(has_text="Prune").first.click()
    shows(page, "prune", runs["many"], "many")
    go_back(page)
    shows(page, "dimensions", runs["many"], "many")
    page.go_back()
    shows(page, "dimensions", runs["few"], "few")


def go_back(page: Page) -> None:
    """Back, past an address that names the run twice.

    A link's parameter and the menu's are joined by Streamlit; where a click meets a drawing under
    way, the joined address becomes an entry of its own before it is put right.
    """
    page.go_back()
    settle(page)
    if page.url.count("run=") > 1:
        page.go_back()


def choose(page: Page, run: Run) -> None:
    """In the box above the page, from the keyboard."""
    page.locator(".st-key-run_box input").focus()
    page.keyboard.type(run.row()["name"])
    page.keyboard.press("Enter")
    settle(page)


def test_without_any_choice_a_page_opens_on_the_best_run_with_gates(server, browser, runs):
    page = open_page(browser, f"{server.url}/prune")
    shows(page, "prune", runs["many"], "many")


def test_a_deleted_run_is_no_other_run_on_any_page_and_comes_back(server, browser, runs):
    page = open_page(browser, f"{server.url}/dimensions?run={runs['few'].id}")
    shows(page, "dimensions", runs["few"], "few")
    delete_run(runs["few"])
    page.reload()
    for name in ("dimensions", "prune", "live"):
        go(page, name)
        expect(page.get_by_text("lies in the bin")).to_be_visible()
        assert metric(page, "Weights removed").count() == 0 and box(page) == ""
        assert runs["few"].id in page.url
    page.get_by_role("button", name="Restore").click()
    shows(page, "live", runs["few"], "few")


def test_an_address_of_no_run_offers_some(server, browser, runs):
    page = open_page(browser, f"{server.url}/prune?run=not-here")
    expect(page.get_by_text("There is no run 'not-here'")).to_be_visible()
    assert metric(page, "Weights removed").count() == 0
    page.get_by_role("button", name=runs["many"].row()["name"]).click()
    shows(page, "prune", runs["many"], "many")


def test_a_run_of_the_table_is_opened_without_a_mouse(server, browser, runs):
    page = open_page(browser, server.url)
    wait_until_drawn(page)
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.ariaLabel") == "Open a run":
            break
    page.keyboard.type(runs["few"].row()["name"])
    page.keyboard.press("Enter")
    page.wait_for_url("**/live*")
    shows(page, "live", runs["few"], "few")
