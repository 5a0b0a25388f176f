"""HTML that holds only what it was given: every text escaped, nothing loaded from anywhere.

A content security policy in the file allows its own two scripts by their hashes and no address at
all, so that even markup that slips through can neither run nor load anything.
"""

import base64
import hashlib
import html
import json
from collections.abc import Iterable, Sequence
from typing import Any

from finegates.errors import FineGatesError
from finegates.reports.style import DRAW, STYLE

Figure = dict[str, Any]
"""``data`` and ``layout`` as plotly.js takes them, and ``about``: the figure in words."""


class Html(str):
    """Text that is HTML already."""


def escaped(text: Any) -> Html:
    """Text as it is, whatever it holds; `Html` stays."""
    return text if isinstance(text, Html) else Html(html.escape(str(text)))


def joined(parts: Iterable[Any]) -> Html:
    """Parts one after the other, a line each."""
    return Html("\n".join(escaped(part) for part in parts))


def tag(name: str, *parts: Any, **attributes: str) -> Html:
    """An element; an attribute's trailing underscore is dropped, as in ``class_``."""
    told = "".join(f' {key.rstrip("_")}="{html.escape(v)}"' for key, v in attributes.items())
    return Html(f"<{name}{told}>{''.join(escaped(part) for part in parts)}</{name}>")


def table(header: Sequence[Any], rows: Iterable[Sequence[Any]]) -> Html:
    """A table that scrolls for itself where the page is narrow; numbers are the writer's."""
    head = tag("tr", *(tag("th", cell) for cell in header))
    body = [tag("tr", *(tag("td", cell) for cell in row)) for row in rows]
    parts = [tag("thead", head)] if any(header) else []
    return tag("div", tag("table", *parts, tag("tbody", *body)), class_="scroll")


def section(title: str, *parts: Any, id: str = "") -> Html:
    """A part under a heading; the parts that are empty are left out."""
    return tag("section", tag("h2", title), *filter(None, parts), **({"id": id} if id else {}))


def figures(*shown: Figure | None) -> Html:
    """All figures side by side."""
    return tag("div", *(_figure(figure) for figure in shown if figure), class_="figures")


def _figure(figure: Figure) -> Html:
    """Drawn when it comes into view; its data is no script, and holds no ``<``."""
    content = {"data": figure["data"], "layout": figure["layout"]}
    data = Html(json.dumps(content, allow_nan=False).replace("<", "\\u003c"))
    return tag(
        "figure",
        tag("figcaption", tag("strong", figure["title"]), " ", figure["about"]),
        tag("div", class_="plot"),
        tag("script", data, type="application/json"),
    )


def page(title: str, *parts: Any) -> str:
    """A whole file.

    Raises:
        FineGatesError: If plotly is not installed.
    """
    plotly = _plotly_js()
    hashes = " ".join(f"'sha256-{_hash(script)}'" for script in (plotly, DRAW))
    policy = (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "form-action 'none'; base-uri 'none'"
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n"
        f"<script>{plotly}</script>\n</head>\n<body>\n<main>\n{joined(parts)}\n</main>\n"
        f"<script>{DRAW}</script>\n</body>\n</html>\n"
    )


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _plotly_js() -> str:
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise FineGatesError(
            "A report needs plotly, whose JavaScript it carries. Install it: pip install plotly"
        ) from None
    return get_plotlyjs().replace("\r\n", "\n").replace("\r", "\n")
