"""What tests in the browser do again and again: open a page, wait for it, find its parts."""

import re
import time
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect

SHORT_MS, TRAINING_MS = 30_000, 300_000
POLL_MS = 100
STEP = re.compile(r"^Step ([\d,]+) of")
_STILL = """() => {
  const shapes = [...document.querySelectorAll('[data-testid=stMain] *')];
  const now = shapes.length + ':' + document.querySelector('[data-testid=stMain]').scrollHeight;
  const still = now === window.lastSeen && !document.querySelector('[data-testid=stSkeleton]');
  window.lastSeen = now;
  return still;
}"""
"""Whether nothing was added, and no height changed, since the call before."""


def open_page(
    browser: Browser,
    url: str,
    width: int = 1280,
    scheme: str = "light",
    height: int = 900,
    asked: list[str] | None = None,
) -> Page:
    """A fresh browser profile on a page whose script has run; ``asked`` gets each address."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, locale="en-US",
        accept_downloads=True,
    )  # fmt: skip
    page = context.new_page()
    page.set_default_timeout(SHORT_MS)
    if asked is not None:
        page.on("request", lambda request: asked.append(request.url))
    page.goto(url)
    settle(page)
    return page


def settle(page: Page) -> None:
    """Waits until the page's script is done."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def wait_until_drawn(page: Page, times: int = 3) -> None:
    """Waits until charts, which are drawn after the script, have stood still for a while."""
    settle(page)
    deadline, still = time.monotonic() + SHORT_MS / 1000, 0
    while still < times:
        assert time.monotonic() < deadline, "the page does not come to rest"
        page.wait_for_timeout(POLL_MS)
        still = still + 1 if page.evaluate(_STILL) else 0


def no_exception(page: Page) -> None:
    """No part of the page shows a traceback."""
    assert page.get_by_test_id("stException").count() == 0, page.url


def state(page: Page, name: str) -> Locator:
    """The badge of a state."""
    return page.locator("span.stMarkdownBadge", has_text=name).first


def chart_named(page: Page, name: str) -> Locator:
    """A chart by a part of its accessible name."""
    return page.locator(f"[data-testid=stVegaLiteChart][aria-label*='{name}']")


def metric(page: Page, label: str) -> Locator:
    """The number of a tile by its label."""
    tile = page.get_by_test_id("stMetric").filter(
        has=page.get_by_test_id("stMetricLabel").get_by_text(label, exact=True)
    )
    return tile.get_by_test_id("stMetricValue")


def slider(page: Page, label: str) -> Locator:
    """The handle of a slider by its label."""
    return page.get_by_role("slider", name=label)


def step_of(page: Page) -> int:
    """The step in the text of the progress bar; a page that changes may show the old one beside."""
    return int(STEP.search(page.get_by_text(STEP).last.inner_text()).group(1).replace(",", ""))


def wait_for_step(page: Page, more_than: int, timeout_s: float = 200) -> int:
    """The first step seen that is larger."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if page.get_by_text(STEP).count() and (step := step_of(page)) > more_than:
            return step
        page.wait_for_timeout(POLL_MS)
    shown = page.get_by_test_id("stMain").inner_text()
    raise AssertionError(f"no step after {more_than} within {timeout_s} s; the page says:\n{shown}")


def choose_option(page: Page, label: str, option: str) -> None:
    """Chooses one of a select box's options; a page that still moves would close the list again."""
    box = page.get_by_role("combobox", name=label, exact=False).first
    box.scroll_into_view_if_needed()
    wait_until_drawn(page)
    box.click()
    page.get_by_role("option", name=option).click()
    settle(page)


def fill(page: Page, role: str, name: str, value: object) -> None:
    """Types into a box and leaves it with Enter, as Streamlit wants it."""
    box = page.get_by_role(role, name=name)
    box.fill(str(value))
    box.press("Enter")
    settle(page)


def choose_toy(page: Page, folder: Path) -> None:
    """Has a New run or Sweep page train a model of two layers of 16 in place of MiniLM."""
    choose_option(page, "Model", "Local folder")
    fill(page, "textbox", "Folder", folder)
    expect(page.get_by_text(f"--model {folder}")).to_be_visible()


def run_folder(runs_dir: Path) -> Path:
    """The one run there is."""
    (folder,) = [p for p in runs_dir.iterdir() if p.is_dir() and not p.name.startswith(".")]
    return folder
