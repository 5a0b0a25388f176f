"""The app as a real server, and the browser that tests and pictures look at it with."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Playwright
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("FINEGATES_CHROMIUM") or shutil.which("chromium")
"""The browser that is named, else the system's; without either, Playwright's own download."""
INSTALL = "apt-get install chromium fonts-dejavu, or .venv/bin/playwright install chromium"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip
START_S = 60


def chromium_for(playwright: Playwright) -> str | None:
    """Path of the Chromium to start, or None if there is none that can be started."""
    return shutil.which(CHROMIUM or playwright.chromium.executable_path)


class Server:
    """``streamlit run app/serve.py`` on a free port of 127.0.0.1.

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
        command = [sys.executable, "-m", "streamlit", "run", "app/serve.py"]
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


def open_page(port: int) -> None:
    """Opens a session on the first page without a browser, and lets its script run once."""
    address = f"127.0.0.1:{port}"
    rerun = BackMsg()
    rerun.rerun_script.SetInParent()
    with connect(
        f"ws://{address}/_stcore/stream",
        subprotocols=[Subprotocol("streamlit")],
        origin=Origin(f"http://{address}"),
    ) as session:
        session.send(rerun.SerializeToString())
        finished = False
        while not finished:
            message = ForwardMsg.FromString(session.recv(timeout=START_S))
            finished = message.WhichOneof("type") == "script_finished"
