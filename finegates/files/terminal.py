"""Text on a terminal that lacks some of its characters: something plain stands in their place."""

import codecs
import sys
from typing import Any

_HANDLER = "finegates-plain"
_PLAIN = {"–": "-", "—": "-", "·": "-", "…": "...", "×": "x", "→": "->", "≤": "<=", "’": "'"}


def write_plainly_where_needed() -> None:
    """Makes output to a terminal that lacks characters, such as an ASCII one, plainer."""
    codecs.register_error(_HANDLER, _plain)
    for stream in (sys.stdout, sys.stderr):
        reconfigure: Any = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(errors=_HANDLER)


def _plain(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    text = error.object[error.start : error.end]
    return "".join(_PLAIN.get(character, "?") for character in text), error.end
