"""The one chosen run: its name above every page, kept through menu, Back and reload.

Its id is in the address of every page as ``?run=``. What Streamlit carries along in the menu's
links is the value of a widget that stands outside the pages and is bound to the address. A select
box would write the run's name there, so a hidden text box holds the id.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from app import places
from app.reading.runs import binned_runs, name_of_binned, run_names, run_rows
from app.rows import CURVE_ONLY, Row, best_gated, opens
from app.text import escape_markdown
from app.widgets.buttons import change_button
from app.widgets.run_state import (
    BY_ITSELF,
    CHOSEN,
    NEXT,
    RUN_PARAMETER,
    SEEN,
    choose_run,
    chosen_run,
)
from app.words import CURVE_ONLY_MEANS
from finegates.errors import FineGatesError, shortened
from finegates.runs.bin import BinnedRun, restore_run
from finegates.runs.status import LIVE_STATES

__all__ = ["choose_run", "chosen_run", "draw_chosen", "draw_places"]

RUN_BOX = "run_box"
_HIDDEN = "<style>.st-key-run, .st-key-runs, .st-key-against { display: none; }</style>"
"""Widgets by their keys, on any page, that only keep ids in the address."""
RUN_PAGES = {"live": places.LIVE, "dimensions": places.DIMENSIONS, "prune": places.PRUNE}
"""Address of a page that shows the chosen run -> its script."""
LINKS = (
    (places.LIVE, "Live", "monitoring"),
    (places.DIMENSIONS, "Dimensions", "grid_on"),
    (places.PRUNE, "Prune & time", "content_cut"),
)


def draw_chosen(page: StreamlitPage, folder: Path) -> None:
    """A line above the page: its title, the chosen run in a box, and where it can be looked at.

    Args:
        page: The page that is about to be drawn.
        folder: The runs folder.
    """
    rows = run_rows(folder)
    run = _settle(rows, opens_one=page.url_path in RUN_PAGES)
    _keep_in_address(run)
    names = run_names(folder)
    if not run and page.url_path not in RUN_PAGES:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="chosen"):
        if page.url_path in RUN_PAGES:
            st.title(page.title, width="content")
        if names:
            _draw_box(run, names)
        if run in names:
            row = next(row for row in rows if row["run"] == run)
            draw_places(row, without=RUN_PAGES.get(page.url_path, ""))
    if run and run not in names:
        _say_gone(run, folder)


def _settle(rows: list[Row], opens_one: bool) -> str:
    """What a click or a link has chosen, else what was; else, where one is needed, a good one."""
    asked, run = st.query_params.get(RUN_PARAMETER, ""), chosen_run()
    if NEXT in st.session_state:
        run = st.session_state.pop(NEXT)
    elif asked and asked != st.session_state.get(SEEN):
        run = asked
    if not run and opens_one and rows:
        at_work = [row["run"] for row in rows if row["status"] in LIVE_STATES]
        run = next(iter(at_work), None) or best_gated(rows) or rows[0]["run"]
        st.session_state[BY_ITSELF] = run
    st.session_state[CHOSEN] = run
    return run


def _keep_in_address(run: str) -> None:
    if run and SEEN not in st.session_state and not st.query_params.get(RUN_PARAMETER):
        st.query_params[RUN_PARAMETER] = run  # Streamlit leaves out what a widget begins with
    st.session_state[RUN_PARAMETER] = run
    st.html(_HIDDEN)
    shown = st.text_input(RUN_PARAMETER, key=RUN_PARAMETER, bind="query-params")
    st.session_state[SEEN] = st.query_params.get(RUN_PARAMETER, "")
    if shown != run:  # Back, to an address from before a run was chosen
        choose_run(run)
        st.rerun()


def _draw_box(run: str, names: Mapping[str, str]) -> None:
    st.session_state[RUN_BOX] = run if run in names else None
    st.selectbox(
        "Run", list(names), index=None, key=RUN_BOX, format_func=names.__getitem__, width=460,
        placeholder="Choose a run", label_visibility="collapsed", required=run in names,
        on_change=_box_changed,
        help=f"The run that Live, Dimensions and Prune & time show. Type to search.  \n`{run}`",
    )  # fmt: skip


def _box_changed() -> None:
    choose_run(st.session_state[RUN_BOX] or "")


def draw_places(row: Row, without: str = "") -> None:
    """Links to the pages that have something to show of a run; a badge where it is a curve only.

    Args:
        row: The run's row.
        without: The page that needs no link.
    """
    for place, label, icon in LINKS:
        if place != without and (place == places.LIVE or opens(row)):
            st.page_link(
                place, label=label, icon=f":material/{icon}:",
                query_params={RUN_PARAMETER: row["run"]},
            )  # fmt: skip
    if CURVE_ONLY in row["keeps"]:
        st.badge(CURVE_ONLY, icon=":material/show_chart:", color="gray", help=CURVE_ONLY_MEANS)


def _say_gone(run: str, folder: Path) -> None:
    """What became of a run that was asked for, and the way back if it lies in the bin."""
    binned = next((each for each in binned_runs(folder) if each.id == run), None)
    with st.container(horizontal=True, vertical_alignment="center"):
        if binned is None:
            st.warning(
                f"There is no run '{escape_markdown(shortened(run))}' here (any more). Choose one "
                "in the box above."
            )
            return
        when = datetime.fromtimestamp(binned.deleted)
        st.warning(
            f"The run {escape_markdown(shortened(name_of_binned(binned)))} was deleted on "
            f"{when:%Y-%m-%d at %H:%M} and lies in the bin. Restore it, or choose another in the "
            "box above."
        )
        if change_button("Restore", icon=":material/restore:", key=f"restore-{run}"):
            _restore(binned)


def _restore(binned: BinnedRun) -> None:
    try:
        restore_run(binned)
    except FineGatesError as error:
        st.error(escape_markdown(str(error)))
    else:
        st.rerun()
