"""A map of many cells, drawn on a canvas by a component of our own.

It costs the browser a fiftieth of what a chart library does for the same cells, and 60 kB. What it
draws is made by `app.charts.maps`; what its keys and mouse do is in ``heat_map.js``.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

KEYS = "Arrow keys read the cells one by one."
_HTML = """
<div class="map">
  <canvas class="cells" role="img" tabindex="0"></canvas>
  <div class="tip" hidden></div>
  <div class="said" aria-live="polite"></div>
</div>
"""
_CSS = """
.map { position: relative; width: 100%; }
.cells { display: block; touch-action: pan-y; border-radius: 4px; }
.cells:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
.tip {
  position: absolute; z-index: 10; pointer-events: none; white-space: pre;
  padding: 4px 8px; font: 12px/1.5 var(--st-font);
  color: var(--st-text-color); background: var(--st-secondary-background-color);
  border: 1px solid var(--st-border-color); border-radius: 4px;
}
.tip[hidden] { display: none; }
.said { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
"""
_SCRIPT = (Path(__file__).parent / "heat_map.js").read_text(encoding="utf-8")
_map = component("finegates_heat_map", html=_HTML, css=_CSS, js=_SCRIPT)


def heat_map(
    spec: dict[str, Any],
    key: str,
    alt: str,
    on_pick: Callable[[int, int], None] | None = None,
) -> None:
    """Draws the map.

    Args:
        spec: From `app.charts.maps`.
        key: Of the element.
        alt: What it shows, in words.
        on_pick: Called with row and column of a cell that was clicked, before the script; a map
            that has none can be zoomed instead.
    """

    def picked() -> None:
        if on_pick is not None and (place := st.session_state[key].get("picked")):
            on_pick(*place)

    keys = f"{KEYS} Enter chooses one." if on_pick else f"{KEYS} + and - zoom, Escape shows all."
    _map(
        key=key,
        data={**spec, "label": f"{alt}. {keys}", "click": on_pick is not None},
        on_picked_change=picked,
    )
