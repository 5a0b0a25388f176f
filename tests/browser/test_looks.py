"""How every page looks and reads, at two widths, in both themes; what it asks of the network.

    FINEGATES_PICTURES=1 python -m pytest tests/browser/test_looks.py

keeps pictures in ``tests/browser/screenshots/``, which git ignores.
"""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from finegates.runs.folder import Run
from tests.app.fake_runs import MINILM, make_curve, make_group, make_run
from tests.browser.contrast import faint_texts
from tests.browser.steps import no_exception, open_page, wait_until_drawn

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

SCREENSHOTS = Path(__file__).parent / "screenshots"
MAX_HEIGHT = 3000
VISITS = 3
"""The fastest counts: the tests beside this one only add to what the app needs itself."""
_SIZE = """() => {
  const main = document.querySelector('[data-testid=stMain]');
  return [main.scrollWidth, main.clientWidth, main.scrollHeight];
}"""


def pages_to_look_at(run_id: str) -> dict[str, str]:
    return {
        "runs": "",
        "new_run": "new_run",
        "live": f"live?run={run_id}",
        "live_bars": f"live?run={run_id}&view=bars",
        "new_sweep": "new_sweep",
        "tradeoff": "tradeoff",
        "paper": "paper",
        "methods": "methods",
        "data": "data?length=tokens",
        "compare": f"compare?run={run_id}",
        "prune": f"prune?run={run_id}",
        "dimensions": f"dimensions?run={run_id}",
        "dimensions_ffn": f"dimensions?run={run_id}&role=ffn&color=open+%2F+closed",
    }


def keep_picture(page: Page, name: str, width: int) -> None:
    """A picture of all of the page, unless it is very long."""
    SCREENSHOTS.mkdir(exist_ok=True)
    height = page.evaluate(_SIZE)[2]
    page.set_viewport_size({"width": width, "height": min(height + 20, MAX_HEIGHT)})
    wait_until_drawn(page)
    page.screenshot(path=SCREENSHOTS / name)


def fill_runs_dir(runs_dir: Path) -> Run:
    """Groups, curves, a failure, and runs of MiniLM's size, of which the last is given."""
    methods = ("finegates", "finegates+lora", "full", "lora")
    group = make_group(runs_dir, "look", methods, seeds=(0, 1))
    curve = next(c for c in group.cells if c.key == ("finegates", 0.4, 0))
    make_curve(Run(runs_dir / str(curve.run)))
    for method in ("finegates", "finegates+lora"):
        for target in (0.0, 0.2, 0.4):
            run = make_run(runs_dir, size=MINILM, method=method, target_sparsity=target)
    make_curve(run)
    make_run(runs_dir, "failed", size=MINILM, progress=0.4, reason="The disk is full.")
    return run


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1920, "dark")])
def test_every_page_is_whole_fits_can_be_read_and_asks_nobody_else(server, browser, width, scheme):
    run, asked, faults = fill_runs_dir(server.runs_dir), [], []
    for name, path in pages_to_look_at(run.id).items():
        page = open_page(browser, f"{server.url}/{path}", width, scheme, asked=asked)
        wait_until_drawn(page)
        no_exception(page)
        wide, window, _ = page.evaluate(_SIZE)
        if wide > window:
            faults.append(f"{name} is wider than the window")
        faults += [f"{name} has a faint text: {text}" for text in faint_texts(page, scheme)]
        if os.environ.get("FINEGATES_PICTURES"):
            keep_picture(page, f"{name}-{width}-{scheme}.png", width)
        page.context.close()
    ours = (server.url, "data:", "blob:")
    faults += [f"asked for {url}" for url in asked if not url.startswith(ours)]
    assert asked and not faults, "\n".join(faults)


def first_paint_ms(browser: Browser, url: str) -> float:
    """Of a visit with a fresh profile."""
    page = open_page(browser, url)
    painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    page.context.close()
    return float(painted)


def test_the_first_page_paints_in_two_seconds(server, browser):
    """On a warm server and with Chromium's caches cold, as on a first visit."""
    make_run(server.runs_dir, size=MINILM)
    open_page(browser, server.url).context.close()
    painted = min(first_paint_ms(browser, server.url) for _ in range(VISITS))
    print(f"\nfirst contentful paint after {painted / 1000:.2f} s")
    assert painted < 2000
