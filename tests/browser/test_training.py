"""What only real training shows: runs that outlive their page and their server, and a sweep.

The first test trains the default, MiniLM, since its time is promised; the others a toy.
"""

import json
import os
import re
import signal
import time

import pytest
from playwright.sync_api import Page, expect

from app.widgets.ticks import LONGEST_S
from finegates.groups.store import list_groups
from finegates.jobs import control as jobs
from finegates.runs.folder import Run
from tests.browser.steps import (
    POLL_MS,
    STEP,
    TRAINING_MS,
    chart_named,
    choose_toy,
    fill,
    no_exception,
    open_page,
    run_folder,
    settle,
    state,
    wait_for_step,
)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

TOY_EPOCHS, SWEEP_EPOCHS = 5000, 2  # more than can be done while the page is back
SWEEP_LIMIT_S = 540


@pytest.mark.alone
def test_the_default_run_outlives_its_page_and_finishes_in_time(server, browser):
    page = open_page(browser, f"{server.url}/new_run")
    start = time.monotonic()
    page.get_by_role("button", name="Start run").click()
    page.wait_for_url("**/live?run=*")
    first = wait_for_step(page, 0)
    chart = chart_named(page, "Gate values of each layer")
    before = chart.screenshot()
    second = wait_for_step(page, first + 5)
    deadline = time.monotonic() + 2 * LONGEST_S  # charts are drawn more seldom than the step
    while chart.screenshot() == before:
        assert time.monotonic() < deadline, f"histograms have stood still since step {first}"
        page.wait_for_timeout(POLL_MS)
    page.context.close()

    page = open_page(browser, server.url)
    expect(state(page, "1 running")).to_be_visible()
    page.goto(f"{server.url}/live")
    assert wait_for_step(page, second) > second
    expect(state(page, "finished")).to_be_visible(timeout=TRAINING_MS)
    seconds = time.monotonic() - start
    print(f"\ndefault run: {seconds:.0f} s from the press of Start to 'finished'")
    status = json.loads((run_folder(server.runs_dir) / "status.json").read_text())
    assert status["state"] == "finished" and status["removed_weights_fraction"] > 0.25
    assert seconds < TRAINING_MS / 1000
    page.goto(server.url)
    expect(state(page, "1 finished")).to_be_visible()
    expect(chart_named(page, "of 1 finished runs on sample")).to_be_visible()
    no_exception(page)


def test_a_run_outlives_its_server_and_a_dead_worker_is_told_and_resumed(
    server, browser, toy_model_dir
):
    page = open_page(browser, f"{server.url}/new_run")
    choose_toy(page, toy_model_dir)
    fill(page, "spinbutton", "Epochs", TOY_EPOCHS)
    expect(page.get_by_text(f"--epochs {TOY_EPOCHS}")).to_be_visible()
    page.get_by_role("button", name="Start run").click()
    page.wait_for_url("**/live?run=*")
    expect(page.get_by_test_id("stDownloadButton").first).to_be_attached(timeout=TRAINING_MS)
    before = wait_for_step(page, 0)  # with all parts: a script that was missed is never asked again

    server.kill()
    run = Run(run_folder(server.runs_dir))
    while run.status().step <= before:  # it trains on without its server
        time.sleep(POLL_MS / 1000)
    jobs.pause(run, True)
    server.start()
    after = wait_for_step(page, before)  # the page has found the new server by itself
    expect(state(page, "paused")).to_be_visible(timeout=TRAINING_MS)
    settle(page)
    page.get_by_role("button", name="Continue").click()
    expect(state(page, "running")).to_be_visible(timeout=TRAINING_MS)
    wait_for_step(page, after)
    print(f"\nserver killed at step {before}, page alive again at step {after}")

    while not (run.path / "checkpoint").is_dir() or not run.snapshot_steps():
        page.wait_for_timeout(POLL_MS)
    os.kill(run.status().pid, signal.SIGKILL)
    expect(state(page, "failed")).to_be_visible(timeout=TRAINING_MS)  # the page looks now and then
    expect(page.get_by_text(re.compile("signal 9|killed or crashed")).first).to_be_visible()
    died_at = run.status().step
    page.get_by_role("button", name="Resume").click()
    assert wait_for_step(page, died_at) > died_at
    expect(page.get_by_text(STEP)).to_have_count(1)
    page.get_by_role("button", name="Stop").click()
    expect(state(page, "stopped")).to_be_visible(timeout=TRAINING_MS)
    no_exception(page)


def replace_chips(page: Page, label: str, words: tuple[str, ...]) -> None:
    """Clears a multiselect and types these options into it."""
    widget = page.get_by_test_id("stMultiSelect").filter(has_text=label)
    widget.get_by_label("Clear all").click()
    box = widget.get_by_role("combobox")
    for word in words:
        settle(page)
        box.fill(word)
        box.press("Enter")
    box.press("Escape")
    settle(page)


def finished_in_chart(page: Page) -> int:
    """How many finished runs the trade-off chart says it shows."""
    chart = chart_named(page, "finished runs on sample")
    name = (chart.first.get_attribute("aria-label") or "") if chart.count() else ""
    found = re.search(r"of (\d+) finished", name)
    return int(found[1]) if found else 0


def test_the_points_of_a_sweep_stream_in(server, browser, toy_model_dir):
    page = open_page(browser, f"{server.url}/new_sweep")
    ready = page.get_by_role("button", name="Start 8 runs")
    expect(ready).to_be_visible(timeout=TRAINING_MS)  # a cold server on a busy machine
    choose_toy(page, toy_model_dir)
    replace_chips(page, "Methods that remove weights", ("finegates", "magnitude"))
    page.get_by_test_id("stMultiSelect").filter(has_text="Dense").get_by_label("Clear all").click()
    replace_chips(page, "Targets", ("0", "30"))
    fill(page, "spinbutton", "Epochs", SWEEP_EPOCHS)
    expect(page.get_by_text(f"--epochs {SWEEP_EPOCHS}")).to_be_visible()
    start = time.monotonic()
    page.get_by_role("button", name="Start 4 runs").click()
    page.wait_for_url("**/tradeoff?group=*")
    expect(page.get_by_text("of 4 runs finished")).to_be_visible()
    seen: set[int] = set()
    while max(seen, default=0) < 4:
        assert time.monotonic() - start < SWEEP_LIMIT_S, f"only {seen} runs finished"
        seen.add(finished_in_chart(page))
        page.wait_for_timeout(250)
    print(f"\nsweep of 4 runs: {time.monotonic() - start:.0f} s, {sorted(seen)} were seen")
    assert len(seen - {0, 4}) >= 2, f"points did not stream: {sorted(seen)}"
    (group,) = list_groups(server.runs_dir)
    assert {cell.key for cell in group.cells} == {
        (method, target, 0) for method in ("finegates", "magnitude") for target in (0.0, 0.3)
    }
    expect(page.get_by_role("button", name="Download CSV")).to_be_visible()
    no_exception(page)
