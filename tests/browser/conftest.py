"""A real server on a port of its own, a real Chromium, and no process left behind."""

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
for folder in (ROOT, ROOT / "tests" / "app"):
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
    """``streamlit run app/main.py`` on a free port of 127.0.0.1, and its runs folder."""

    def __init__(self, runs_dir: Path) -> None:
        self.runs_dir = runs_dir
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        """Address of the app."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts it and waits until it answers."""
        command = [
            sys.executable,
            "-m",
            "streamlit",
            "run",
            "app/main.py",
            "--server.headless=true",
        ]
        with open(self.runs_dir.parent / "server.log", "ab") as log:
            self._process = subprocess.Popen(
                [*command, f"--server.port={self.port}"],
                cwd=ROOT,
                env={**os.environ, "FINEGATES_RUNS_DIR": str(self.runs_dir)},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + START_S
        while not self._answers():
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.2)

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


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A running server on an empty runs folder. Workers that are left are ended with it."""
    (tmp_path / "runs").mkdir()
    server = Server(tmp_path / "runs")
    server.start()
    yield server
    server.kill()
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "finegates" in words and any(str(tmp_path) in word for word in words):
            process.kill()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. Without it these tests fail: they are no decoration."""
    assert shutil.which(CHROMIUM), f"There is no Chromium at {CHROMIUM}; set FINEGATES_CHROMIUM."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()
