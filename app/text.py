"""Words of data, of runs or of an address, written so that Markdown leaves them alone."""

import re

_MARKS = re.compile(r"([\\`*_\[\]<>#$~|!])")
_LINKS = re.compile(r"(://|www(?=\.)|@)")
_JOINER = "\u2060"
"""Takes no room and parts no word; without it what looks like an address becomes a link."""


def plain(text: str) -> str:
    """The text with Markdown's marks escaped: no picture is loaded, nothing becomes a link."""
    return _LINKS.sub(rf"\1{_JOINER}", _MARKS.sub(r"\\\1", text)).replace("://", r"\://")
