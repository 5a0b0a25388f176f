"""The app as a real server, looked at in Chromium by the tests' helpers; a part of `queue`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.clock import figure, milliseconds
from benchmarks.pages import GOAL_MS, first_paint
from tests.browser.server import ARGUMENTS, CHROMIUM, Server
from tests.browser.steps import no_exception, open_page
from tests.toy_models import save_toy_model

__all__ = ["LOOKS", "OpenedApp", "opened_app", "save_toy_model"]

LOOKS = 3
RUNS = ""
PAGES = {"runs": RUNS, "live": "live"}
"""Name of a page that is looked at -> its address."""


@dataclass(frozen=True)
class OpenedApp:
    """A server at work, and a browser.

    Attributes:
        server: It serves one runs folder.
        process: The server's.
        browser: Its windows begin with nothing of the app.
    """

    server: Server
    process: psutil.Process
    browser: Browser

    def open(self, address: str) -> Page:
        """A window on a page whose script has run once; it refreshes itself until it is closed."""
        return open_page(self.browser, f"{self.server.url}/{address}")

    def look(self, address: str) -> float:
        """Milliseconds until a page that is opened has been drawn for the first time.

        Raises:
            AssertionError: If a part of the page shows an error.
        """
        pages: list[Page] = []
        taken = milliseconds(lambda: pages.append(self.open(address)))
        no_exception(pages[0])
        pages[0].context.close()
        return taken

    def looks(self, runs_dir: Path, moment: str) -> list[dict[str, Any]]:
        """First looks at each page: by the browser, and the server's part alone by AppTest."""
        figures = []
        for name, address in PAGES.items():
            seen = [self.look(address) for _ in range(LOOKS)]
            first_paint(name, runs_dir)  # the one that imports
            paints = [first_paint(name, runs_dir)[1] for _ in range(LOOKS)]
            figures += [
                figure(f"{name}, {moment}: first look in Chromium", seen),
                figure(f"{name}, {moment}: first paint, AppTest", paints, goal=GOAL_MS),
            ]
        return figures


@contextmanager
def opened_app(place: Path, runs_dir: Path) -> Iterator[OpenedApp]:
    """Starts server and browser, and ends them."""
    server = Server(place)
    try:
        server.serve(runs_dir)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            yield OpenedApp(server, _process_of(server), browser)
            browser.close()
    finally:
        server.kill()


def _process_of(server: Server) -> psutil.Process:
    port = f"--server.port={server.port}"
    return next(p for p in psutil.Process().children() if port in p.cmdline())
