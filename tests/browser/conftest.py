"""A server for each worker, a runs folder for each test, a real Chromium, nothing left behind."""

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.server import ARGUMENTS, CHROMIUM, INSTALL, Server, chromium_for

EXPECT_MS = 20_000
"""How long a claim about a page may take to come true: a busy machine draws slowly."""


def pytest_configure(config: pytest.Config) -> None:
    """Names the marker of tests that need Chromium."""
    config.addinivalue_line("markers", "browser: in a real Chromium, with a real server")
    expect.set_options(timeout=EXPECT_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A busy machine may delay a page beyond any limit: what failed is told and tried again."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session")
def one_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server of this worker: each has a port and folders of its own."""
    server = Server(tmp_path_factory.mktemp("server"))
    yield server
    server.kill()


@pytest.fixture
def server(one_server: Server, tmp_path: Path) -> Iterator[Server]:
    """The server on an empty runs folder. Workers that a test leaves are ended with it."""
    (tmp_path / "runs").mkdir()
    one_server.serve(tmp_path / "runs")
    yield one_server
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "finegates" in words and any(str(tmp_path) in word for word in words):
            process.kill()


@pytest.fixture(scope="session")
def one_browser() -> Iterator[Browser]:
    """A Chromium, the system's or Playwright's own; where CI has neither, these tests fail."""
    with sync_playwright() as playwright:
        path = chromium_for(playwright)
        if path is None:
            reason = f"no Chromium at {CHROMIUM}" if CHROMIUM else "no Chromium"
            (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{reason}: {INSTALL}")
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def browser(one_browser: Browser) -> Iterator[Browser]:
    """The browser without windows of other tests, whose pages would keep the server at work."""
    yield one_browser
    for context in one_browser.contexts:
        context.close()
