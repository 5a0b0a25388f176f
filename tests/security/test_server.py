"""Claims about the server as it is shipped: it is started with its own config, and connected to."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import requests
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
STRANGER = "evil.example"
LOOPBACK = ("127.0.0.1", "::1")
START_S = 90.0
COOKIE, HEADER = "_streamlit_xsrf", "X-Xsrftoken"


@dataclass(frozen=True)
class Server:
    """The app's server: its process and port."""

    process: psutil.Process
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connections(self) -> list:
        """Of the server and whatever it started."""
        family = [self.process, *self.process.children(recursive=True)]
        return [c for process in family for c in process.net_connections(kind="inet")]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Started as ``make app`` does, with `.streamlit/config.toml`; only the port is another."""
    folder, port = tmp_path_factory.mktemp("server"), free_port()
    words = [sys.executable, "-m", "streamlit", "run", "app/serve.py", "--server.headless", "true"]
    kept = {name: value for name, value in os.environ.items() if "STREAMLIT" not in name}
    environment = {**kept, "FINEGATES_RUNS_DIR": str(folder), "HOME": str(folder)}
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            [*words, "--server.port", str(port)], cwd=ROOT, env=environment, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    try:
        _wait_until_up(port, folder / "log")
        yield Server(psutil.Process(process.pid), port)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def _wait_until_up(port: int, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            if requests.get(f"http://127.0.0.1:{port}/_stcore/health", timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.3)
    pytest.fail(f"the server did not start: {log.read_text()[-1000:]}")


def opened(server: Server, host: str = "", origin: str = ""):
    """A WebSocket to the app, as a browser opens it that believes to be at ``host``."""
    return connect(
        f"ws://{host or '127.0.0.1'}:{server.port}/_stcore/stream",
        sock=socket.create_connection(("127.0.0.1", server.port)),
        origin=origin or f"http://{host or '127.0.0.1'}:{server.port}",
        subprotocols=["streamlit"],
        open_timeout=30,
    )


def test_it_listens_on_this_machine_only(server):
    listening = {c.laddr.ip for c in server.connections() if c.status == psutil.CONN_LISTEN}
    assert listening and listening <= {*LOOPBACK}
    addresses = [a for found in psutil.net_if_addrs().values() for a in found]
    for address in (a.address for a in addresses if a.family == socket.AF_INET):
        if not address.startswith("127."):
            with pytest.raises(OSError):
                socket.create_connection((address, server.port), timeout=5).close()


def test_it_serves_those_who_come_by_its_own_name(server):
    for host in ("127.0.0.1", "localhost"):
        with opened(server, host) as socket_:
            assert socket_.response.status_code == 101


@pytest.mark.parametrize("host", [STRANGER, f"127.0.0.1.{STRANGER}", "0.0.0.0"])
def test_a_strangers_host_name_is_refused(server, host):
    """A page whose name was made to point here, as DNS rebinding does, is of its own origin."""
    with pytest.raises(InvalidStatus) as refused:
        opened(server, host)
    assert refused.value.response.status_code == 403


def test_a_page_of_another_origin_is_refused(server):
    with pytest.raises(InvalidStatus) as refused:
        opened(server, origin=f"http://{STRANGER}")
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_an_upload_without_a_token_is_refused(server, method):
    url = f"{server.url}/_stcore/upload_file/session/file"
    for headers in ({}, {HEADER: "x"}, {"Cookie": f"{COOKIE}=x", HEADER: "y"}):
        answer = requests.request(method, url, files={"f": b"a"}, headers=headers, timeout=20)
        assert answer.status_code in (403, 405)
        assert method != "PUT" or answer.status_code == 403


def test_an_upload_with_a_token_gets_further(server):
    """So that it is the token that was missing above."""
    browser = requests.Session()
    browser.get(f"{server.url}/_stcore/health", timeout=20)
    browser.get(f"{server.url}/_stcore/host-config", timeout=20)
    token = browser.cookies[COOKIE]
    url = f"{server.url}/_stcore/upload_file/session/file"
    answer = browser.put(url, files={"f": b"a"}, headers={HEADER: token}, timeout=20)
    assert answer.status_code == 400  # there is no such session


@pytest.mark.parametrize("path", ["interact", "mcp", "openapi.json"])
def test_no_program_can_drive_the_app_by_the_agent_api(server, path):
    url = f"{server.url}/_stcore/agent/{path}"
    answer = requests.post(url, json={}, timeout=20)
    assert 400 <= answer.status_code < 500
    if path == "interact":
        assert "does not serve the agent API" in answer.text


@pytest.mark.parametrize(
    "path", ["/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd",
             "/static/..%2f..%2f..%2frequirements.txt", "/app/static/../../requirements.txt"],
)  # fmt: skip
def test_no_path_leads_to_a_file(server, path):
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as raw:
        host = f"127.0.0.1:{server.port}"
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    assert b"root:" not in answer and b"torch==" not in answer


def test_a_visit_tells_nobody(server):
    """The whole first page is drawn; telemetry is off, and no connection leaves the machine."""
    seen: set[str] = set()
    with opened(server) as socket_:
        socket_.send(BackMsg(rerun_script={"query_string": ""}).SerializeToString())
        session, finished = None, False
        while not finished:
            message = ForwardMsg.FromString(socket_.recv(timeout=60))
            session = message.new_session if message.HasField("new_session") else session
            finished = message.HasField("script_finished")
            seen |= {c.raddr.ip for c in server.connections() if c.raddr}
    assert session is not None and session.config.gather_usage_stats is False
    assert seen <= {*LOOPBACK}


@pytest.mark.browser
def test_a_browser_asks_nobody_else(server):
    api = pytest.importorskip("playwright.sync_api")
    asked: set[str] = set()
    with api.sync_playwright() as play:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
        page = browser.new_page()
        page.on("request", lambda request: asked.add(request.url))
        page.goto(server.url)
        page.wait_for_selector("[data-test-script-state=notRunning]", timeout=60_000)
        browser.close()
    asked = {url for url in asked if not url.startswith(("data:", "blob:"))}
    assert asked and all(url.startswith(f"{server.url}/") for url in asked)
