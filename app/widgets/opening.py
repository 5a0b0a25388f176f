"""Leaving a page whose fragment ticks: for a run of its table, or for another page."""

import time

import streamlit as st

from app import places
from app.widgets.run_state import RUN_PARAMETER, choose_run
from finegates.runs.folder import Run

TICK_ON_ITS_WAY_S = 0.3
_OPENING = "opening"


def open_if_clicked() -> None:
    """Switches to where a click asked to go; to be called before anything ticks."""
    if place := st.session_state.pop(_OPENING, None):
        # Nothing ticks in this run, but the browser may have sent a tick already, and Streamlit
        # 1.67 merges a tick into a page switch that waits: a blank page in one of six tries
        # (2026-11).
        time.sleep(TICK_ON_ITS_WAY_S)
        page, parameters = place
        if run := parameters.pop(RUN_PARAMETER, None):
            choose_run(run)  # the address is written by the box above the page
        st.switch_page(page, query_params=parameters)


def leave_if_clicked() -> None:
    """Leaves the fragment for `open_if_clicked`."""
    if _OPENING in st.session_state:
        st.rerun()


def go_to(page: str, **parameters: str) -> None:
    """For a callback: the page to show next, with these parameters in its address."""
    st.session_state[_OPENING] = (page, parameters)


def open_run(run: str) -> None:
    """For a callback: the run's page is shown next."""
    go_to(places.LIVE, run=run)


def still_there(run: Run) -> bool:
    """Whether there is something to act on; says so where the run was deleted meanwhile."""
    if run.path.is_dir():
        return True
    st.error(f"The run {run.id} is not here any more, so nothing was done.")
    return False
