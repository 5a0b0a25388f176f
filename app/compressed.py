"""Streamlit's own files, compressed for the way to the browser: a third of the bytes.

Streamlit sends them as they are, because it would compress them again at each request. They never
change while the server is up, so here each is compressed once and kept.
"""

from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FOLDER = "/static/"
ENDINGS = (".js", ".css", ".json", ".svg")


class CompressedFiles:
    """Middleware that answers for text files below `FOLDER`, and passes on all else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._compressing = GZipMiddleware(app, compresslevel=6)
        self._kept: dict[str, list[Message]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _can_be_compressed(scope):
            return await self._app(scope, receive, send)
        path = scope["path"]
        if path in self._kept:
            for message in self._kept[path]:
                await send(message)
            return None
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)
            await send(message)

        await self._compressing(scope, receive, keep)
        if messages and messages[0].get("status") == 200:
            self._kept[path] = messages
        return None


def _can_be_compressed(scope: Scope) -> bool:
    """A whole text file, for a browser that takes gzip."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return False
    headers = Request(scope).headers
    asked = "gzip" in headers.get("accept-encoding", "") and "range" not in headers
    conditional = "if-none-match" in headers or "if-modified-since" in headers
    path = scope["path"]
    return asked and not conditional and FOLDER in path and path.endswith(ENDINGS)
