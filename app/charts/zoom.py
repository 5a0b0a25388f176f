"""Zoom along the steps, the same in every chart that has it."""

import altair as alt

ZOOM = "zoom"
"""Give it to ``st.altair_chart`` as ``selection_mode``, with ``on_select="rerun"``: of other scale
bindings Streamlit 1.67 takes the zoom back whenever data comes."""

HOW_TO_ZOOM = "Ctrl and the wheel zoom, dragging moves, a double click shows all again."


def zoom() -> alt.Parameter:
    """Zooms and moves along x. The wheel alone still scrolls the page."""
    return alt.selection_interval(
        bind="scales", encodings=["x"], name=ZOOM, zoom="wheel![event.ctrlKey || event.metaKey]"
    )
