"""A real server for each worker, a runs folder for each test, a real Chromium, nothing left behind."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
for folder in (ROOT, ROOT / "tests", ROOT / "tests" / "app"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

CHROMIUM = os.environ.get("FINEGATES_CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip
START_S = 60


def pytest_configure(config: pytest.Config) -> None:
    """Names the marker of tests that need Chromium."""
    config.addinivalue_line("markers", "browser: in a real Chromium, with a real server")


class Server:
    """``streamlit run app/main.py`` on a free port of 127.0.0.1.

    Its runs folder is a link, which each test points to a folder of its own: the app resolves it at
    each look, so one server does for all tests and each has runs and caches of its own.
    """

    def __init__(self, place: Path) -> None:
        self.runs_dir = Path()
        self._link, self._log = place / "runs", place / "server.log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        """Address of the app."""
        return f"http://127.0.0.1:{self.port}"

    def serve(self, runs_dir: Path) -> None:
        """Shows these runs from now on; starts the server if it is not at work."""
        self._link.unlink(missing_ok=True)
        self._link.symlink_to(runs_dir, target_is_directory=True)
        self.runs_dir = runs_dir
        if self._process is None or self._process.poll() is not None:
            self.start()

    def start(self) -> None:
        """Starts it and waits until it answers."""
        command = [sys.executable, "-m", "streamlit", "run", "app/main.py"]
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(
                [*command, "--server.headless=true", f"--server.port={self.port}"],
                cwd=ROOT,
                env={**os.environ, "FINEGATES_RUNS_DIR": str(self._link)},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + START_S
        while not self._answers():
            assert self._process.poll() is None, f"the server ended: {self._log.read_text()}"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.1)

    def kill(self) -> None:
        """Ends it as a crash would."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def _answers(self) -> bool:
        try:
            return urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2).status == 200
        except OSError:
            return False


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
    """Debian's Chromium. Without it these tests fail: they are no decoration."""
    assert shutil.which(CHROMIUM), f"There is no Chromium at {CHROMIUM}; set FINEGATES_CHROMIUM."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def browser(one_browser: Browser) -> Iterator[Browser]:
    """The browser without windows of other tests, whose pages would keep the server at work."""
    yield one_browser
    for context in one_browser.contexts:
        context.close()
