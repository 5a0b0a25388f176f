"""Words of data, of runs or of an address, written so that Markdown leaves them alone."""

import re

_MARKS = re.compile(r"([\\`*_\[\]<>#$~|!])")


def plain(text: str) -> str:
    """The text with Markdown's marks escaped: no picture is loaded, nothing becomes a heading."""
    return _MARKS.sub(r"\\\1", text)
