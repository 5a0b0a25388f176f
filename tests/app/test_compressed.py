"""Claims about the files of the app on their way to the browser."""

import asyncio
import gzip

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.compressed import CompressedFiles

SCRIPT = b"const answer = 42;\n" * 500
FONT = bytes(range(256)) * 20
GONE = b"not found" * 200


@pytest.fixture
def asked() -> list[str]:
    """Paths that the files were read for."""
    return []


@pytest.fixture
def server(asked: list[str]) -> CompressedFiles:
    def answer(request: Request) -> Response:
        asked.append(request.url.path)
        if request.url.path.endswith("gone.js"):
            return Response(GONE, 404)
        return Response(SCRIPT if request.url.path.endswith(".js") else FONT)

    return CompressedFiles(Starlette(routes=[Route("/{path:path}", answer)]))


def sent(server: CompressedFiles, path: str, **headers: str) -> tuple[str | None, int]:
    """How the body was coded, and how many bytes came; of a browser that takes gzip."""
    given = {"accept-encoding": "gzip, br"} | headers
    scope = {
        "type": "http", "method": "GET", "path": path, "query_string": b"", "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
    }  # fmt: skip
    messages = []

    async def receive() -> dict:
        return {"type": "http.request", "body": b""}

    async def send(message: dict) -> None:
        messages.append(message)

    asyncio.run(server(scope, receive, send))
    coding = dict(messages[0]["headers"]).get(b"content-encoding", b"").decode() or None
    raw = b"".join(message.get("body", b"") for message in messages)
    assert (gzip.decompress(raw) if coding else raw) in (SCRIPT, FONT, GONE)
    return coding, len(raw)


def test_a_script_comes_compressed_and_is_compressed_once(server, asked):
    first, again = (sent(server, "/static/js/a.js") for _ in range(2))
    assert first == again and first[0] == "gzip" and first[1] < len(SCRIPT) / 10
    assert asked == ["/static/js/a.js"]


def test_whoever_takes_no_gzip_gets_the_file_as_it_is(server):
    sent(server, "/static/js/a.js")
    assert sent(server, "/static/js/a.js", **{"accept-encoding": "identity"}) == (None, len(SCRIPT))


@pytest.mark.parametrize("path", ["/static/media/a.woff2", "/_stcore/health", "/media/a.js"])
def test_all_else_is_passed_on(server, asked, path):
    assert sent(server, path)[0] is None and asked == [path]


def test_a_part_or_a_question_whether_it_changed_is_passed_on(server, asked):
    for headers in ({"range": "bytes=0-9"}, {"if-none-match": "x"}):
        assert sent(server, "/static/js/a.js", **headers)[0] is None
    assert len(asked) == 2


def test_an_error_is_not_kept(server, asked):
    for _ in range(2):
        sent(server, "/static/js/gone.js")
    assert len(asked) == 2
