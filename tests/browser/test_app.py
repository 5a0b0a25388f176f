"""What only a browser shows: a run that outlives its page and its server, and how pages look.

    python -m pytest tests/browser

Screenshots go to ``tests/browser/screenshots/``, which git ignores.
"""

import json
import os
import re
import signal
import time
from pathlib import Path

import pytest
from fake_runs import MINILM, make_curve, make_group, make_run
from playwright.sync_api import Browser, Page, expect

from finegates.groups import list_groups
from finegates.runs import Run, list_runs

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

SCREENSHOTS = Path(__file__).parent / "screenshots"
SHORT_MS, TRAINING_MS = 30_000, 300_000
PROMISED_S = 180
SHORT_RUN_ROWS, SWEEP_ROWS = 700, 160
SWEEP_LIMIT_S = 540
"""Four runs take about a minute on two quiet cores."""
MAX_HEIGHT = 3000
SECOND_ROW_Y = 88


def open_page(browser: Browser, url: str, width: int = 1280, scheme: str = "light") -> Page:
    """A fresh browser profile on a page whose script has run."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, locale="en-US"
    )
    page = context.new_page()
    page.set_default_timeout(SHORT_MS)
    page.goto(url)
    settle(page)
    return page


def settle(page: Page) -> None:
    """Waits until the page's script is done."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def step_of(page: Page) -> int:
    """The step in the text of the progress bar."""
    text = page.get_by_text(re.compile(r"^Step [\d,]+ of")).inner_text()
    return int(re.search(r"Step ([\d,]+)", text).group(1).replace(",", ""))


def wait_for_step(page: Page, more_than: int, timeout_s: float = 120) -> int:
    """The first step seen that is larger."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        bar = page.get_by_text(re.compile(r"^Step [\d,]+ of"))
        if bar.count() and (step := step_of(page)) > more_than:
            return step
        page.wait_for_timeout(250)
    raise AssertionError(f"no step after {more_than} within {timeout_s} s")


def state(page: Page, name: str):
    """The badge of a state."""
    return page.locator("span.stMarkdownBadge", has_text=name).first


def chart_named(page: Page, name: str):
    """A chart by a part of its accessible name."""
    return page.locator(f"[data-testid=stVegaLiteChart][aria-label*='{name}']")


def run_folder(runs_dir: Path) -> Path:
    """The one run there is."""
    (folder,) = [p for p in runs_dir.iterdir() if p.is_dir() and not p.name.startswith(".")]
    return folder


def test_the_default_run_outlives_its_page_and_finishes_in_time(server, browser):
    page = open_page(browser, f"{server.url}/new_run")
    start = time.monotonic()
    page.get_by_role("button", name="Start run").click()
    page.wait_for_url("**/live?run=*")
    first = wait_for_step(page, 0)
    chart = chart_named(page, "Gate values of each layer")
    before = chart.screenshot()
    second = wait_for_step(page, first + 5)
    assert chart.screenshot() != before, f"histograms stood still from step {first} to {second}"
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
    assert page.get_by_test_id("stException").count() == 0
    page.context.close()


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


def test_the_points_of_a_sweep_stream_in(server, browser):
    page = open_page(browser, f"{server.url}/new_sweep")
    ready = page.get_by_role("button", name="Start 8 runs")
    expect(ready).to_be_visible(timeout=TRAINING_MS)  # a cold server on a busy machine
    replace_chips(page, "Methods that remove weights", ("finegates", "magnitude"))
    page.get_by_test_id("stMultiSelect").filter(has_text="Dense").get_by_label("Clear all").click()
    replace_chips(page, "Targets", ("0", "30"))
    rows, epochs = (
        page.get_by_role("spinbutton", name=name) for name in ("Max train samples", "Epochs")
    )
    for box, number in ((rows, SWEEP_ROWS), (epochs, 1)):
        box.fill(str(number))
        box.press("Enter")
    expect(page.get_by_text(f"--max-train-samples {SWEEP_ROWS}")).to_be_visible()
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
    assert page.get_by_test_id("stException").count() == 0
    page.context.close()


def test_a_run_outlives_its_server_and_a_dead_worker_is_told_and_resumed(server, browser):
    page = open_page(browser, f"{server.url}/new_run")
    rows = page.get_by_role("spinbutton", name="Max train samples (rows)")
    rows.fill(str(SHORT_RUN_ROWS))
    rows.press("Enter")
    expect(page.get_by_text(f"--max-train-samples {SHORT_RUN_ROWS}")).to_be_visible()
    page.get_by_role("button", name="Start run").click()
    page.wait_for_url("**/live?run=*")
    before = wait_for_step(page, 0)

    server.kill()
    folder = run_folder(server.runs_dir)
    server.start()
    after = wait_for_step(page, before)  # the page has found the new server by itself
    expect(state(page, "running")).to_be_visible()
    print(f"\nserver killed at step {before}, page alive again at step {after}")

    while not (folder / "checkpoint").is_dir() or not list((folder / "gates").glob("*")):
        page.wait_for_timeout(100)
    os.kill(json.loads((folder / "status.json").read_text())["pid"], signal.SIGKILL)
    expect(state(page, "failed")).to_be_visible()
    expect(page.get_by_text(re.compile("signal 9|killed or crashed")).first).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(state(page, "finished")).to_be_visible(timeout=TRAINING_MS)
    assert json.loads((folder / "status.json").read_text())["state"] == "finished"
    assert page.get_by_test_id("stException").count() == 0
    page.context.close()


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
            table.click(position={"x": 62, "y": SECOND_ROW_Y})
        elif way == "ticked row":
            table.click(position={"x": 17, "y": SECOND_ROW_Y})
            page.get_by_test_id("stMainBlockContainer").get_by_role("link", name="Live").click()
        else:
            page.get_by_role("link", name="Live").first.click()
        wanted = newest.id if way == "page list" else finished.id
        page.wait_for_url("**/live*")
        expect(page.get_by_test_id("stMultiSelect")).to_contain_text(wanted)
        expect(chart_named(page, "Gate values of each layer")).to_be_visible(timeout=SHORT_MS)
        page.get_by_role("link", name="Runs").first.click()
        expect(table).to_be_visible()
        if way == "ticked row":
            page.wait_for_timeout(1000)
            table.click(position={"x": 17, "y": SECOND_ROW_Y})  # untick
    page.context.close()


def pages_to_look_at(run_id: str) -> dict[str, str]:
    return {
        "runs": "",
        "new_run": "new_run",
        "live": f"live?run={run_id}",
        "live_bars": f"live?run={run_id}&view=bars",
        "new_sweep": "new_sweep",
        "tradeoff": "tradeoff",
        "paper": "paper",
        "data": "data?length=tokens",
        "compare": f"compare?run={run_id}",
        "prune": f"prune?run={run_id}",
        "dimensions": f"dimensions?run={run_id}",
        "dimensions_ffn": f"dimensions?run={run_id}&role=ffn&color=open+%2F+closed",
    }


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1920, "dark")])
def test_pages_have_no_exception_and_do_not_overflow(server, browser, width, scheme):
    methods = ("finegates", "finegates+lora", "full", "lora")
    group = make_group(server.runs_dir, "look", methods, seeds=(0, 1))
    curve = next(c for c in group.cells if c.key == ("finegates", 0.4, 0))
    make_curve(Run(server.runs_dir / str(curve.run)))
    for method in ("finegates", "finegates+lora"):
        for target in (0.0, 0.2, 0.4):
            run = make_run(server.runs_dir, size=MINILM, method=method, target_sparsity=target)
    make_run(server.runs_dir, "failed", size=MINILM, progress=0.4, reason="The disk is full.")
    SCREENSHOTS.mkdir(exist_ok=True)
    for name, path in pages_to_look_at(run.id).items():
        page = open_page(browser, f"{server.url}/{path}", width, scheme)
        page.wait_for_timeout(1500)  # charts are drawn after the script
        assert page.get_by_test_id("stException").count() == 0, name
        size = page.evaluate(
            "(() => { const m = document.querySelector('[data-testid=stMain]');"
            " return [m.scrollWidth, m.clientWidth, m.scrollHeight]; })()"
        )
        assert size[0] <= size[1], f"{name} is wider than the window"
        page.set_viewport_size({"width": width, "height": min(size[2] + 20, MAX_HEIGHT)})
        page.wait_for_timeout(700)
        page.screenshot(path=SCREENSHOTS / f"{name}-{width}-{scheme}.png")
        page.context.close()


def test_nothing_is_asked_of_other_machines(server, browser):
    make_run(server.runs_dir, size=MINILM)
    context = browser.new_context()
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    for path in ("", "new_run", "data", "new_sweep", "tradeoff", "paper", "live", "compare",
                 "dimensions", "prune"):  # fmt: skip
        page.goto(f"{server.url}/{path}")
        settle(page)
        page.wait_for_timeout(1000)
    foreign = [u for u in asked if not u.startswith((server.url, "data:", "blob:"))]
    assert not foreign, foreign
    context.close()


def test_the_first_page_paints_in_two_seconds(server, browser):
    """On a warm server and with Chromium's caches cold, as on a first visit."""
    make_run(server.runs_dir, size=MINILM)
    open_page(browser, server.url).context.close()
    page = open_page(browser, server.url)
    painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    print(f"\nfirst contentful paint after {painted / 1000:.2f} s")
    assert painted < 2000
    page.context.close()
