"""First visits in Chromium: processor time and bytes of every page; a part of `benchmarks.app`."""

import statistics
from collections import Counter
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from app.places import PLACES
from benchmarks.clock import figure
from tests.browser.server import ARGUMENTS, INSTALL, Server, chromium_for
from tests.browser.steps import settle, wait_until_drawn

GOAL_S, GOAL_BYTES = 2.0, 4e6
WINDOW = {"width": 1280, "height": 900}
STILL = 5
"""Looks in a row, a tenth of a second apart, at which nothing has moved: then a page is drawn."""


def measure_visits(runs_dir: Path, place: Path, repeats: int) -> list[dict[str, Any]]:
    """Each page in a browser that was never here, and all of them one after the other.

    Args:
        runs_dir: What the pages show.
        place: A folder for the server, made here.
        repeats: Visits to each page; their processor time is told as the median.

    Raises:
        RuntimeError: If there is no Chromium.
    """
    place.mkdir()
    server = Server(place)
    try:
        server.serve(runs_dir)
        with sync_playwright() as playwright:
            path = chromium_for(playwright)
            if path is None:
                raise RuntimeError(f"First visits need Chromium: {INSTALL}")
            return _measured(server.url, playwright.chromium, path, repeats)
    finally:
        server.kill()


def _measured(url: str, chromium: Any, path: str, repeats: int) -> list[dict[str, Any]]:
    figures = []
    for name in sorted(PLACES):
        visits = []
        for _ in range(repeats + 1):
            browser = chromium.launch(executable_path=path, args=ARGUMENTS)
            visits.append(visit(context_of(browser), f"{url}/{name}"))
            browser.close()
        seconds, sent = zip(*visits[1:], strict=True)  # the first fills the server's caches
        what = f"{name}, first visit: browser's"
        figures.append(figure(f"{what} processor time", seconds, "s", GOAL_S))
        figures.append(figure(f"{what} bytes", [statistics.median(sent)], "bytes", GOAL_BYTES))
    browser = chromium.launch(executable_path=path, args=ARGUMENTS)
    context = context_of(browser)
    whole = sum(visit(context, f"{url}/{name}")[1] for name in sorted(PLACES))
    browser.close()
    return [*figures, figure("all pages in one session: bytes", [whole], "bytes", GOAL_BYTES)]


def context_of(browser: Browser) -> BrowserContext:
    """A profile of its own."""
    return browser.new_context(viewport=WINDOW, color_scheme="light", locale="en-US")


def visit(context: BrowserContext, url: str) -> tuple[float, int]:
    """Seconds that the page's main thread was at work until all is drawn, and bytes that came.

    Seconds are of the processor, not of the clock: other work on the machine does not count. Bytes
    are those on the wire, of files and of the WebSocket; what is in the browser's cache costs none.
    """
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    session.send("Network.enable")
    came: Counter[str] = Counter()
    session.on("Network.loadingFinished", lambda event: came.update(file=_length(event)))
    session.on("Network.webSocketFrameReceived", lambda event: came.update(socket=_frame(event)))
    page.goto(url)
    settle(page)
    wait_until_drawn(page, STILL)
    told = session.send("Performance.getMetrics")["metrics"]
    page.close()
    return next(m["value"] for m in told if m["name"] == "TaskDuration"), came.total()


def _length(event: dict[str, Any]) -> int:
    return int(event["encodedDataLength"])


def _frame(event: dict[str, Any]) -> int:
    """Of a binary message, which stands in base64."""
    return len(event["response"]["payloadData"]) * 3 // 4
