"""Leaving a page whose fragment ticks: for a run of its table, or for another page."""

import time

import streamlit as st

from app import places

TICK_ON_ITS_WAY_S = 0.3
_OPENING, _SHOWN = "opening", "runs_shown"


def open_if_clicked() -> None:
    """Switches to where a click asked to go; to be called before anything ticks."""
    if place := st.session_state.pop(_OPENING, None):
        # Nothing ticks in this run, but the browser may have sent a tick already, and Streamlit
        # 1.67 merges a tick into a page switch that waits: a blank page in one of six tries
        # (2026-11).
        time.sleep(TICK_ON_ITS_WAY_S)
        page, parameters = place
        st.switch_page(page, query_params=parameters)


def leave_if_clicked() -> None:
    """Leaves the fragment for `open_if_clicked`."""
    if _OPENING in st.session_state:
        st.rerun()


def go_to(page: str, **parameters: str) -> None:
    """For a callback: the page to show next, with these parameters in its address."""
    st.session_state[_OPENING] = (page, parameters)


def remember_shown(runs: list[str]) -> None:
    """Which run each row of the table stands for."""
    st.session_state[_SHOWN] = runs


def shown_run(row: int) -> str:
    """The run of a row of the table, as it was drawn last."""
    return st.session_state[_SHOWN][row]


def open_clicked() -> None:
    """Callback of the table's Open buttons."""
    open_run(shown_run(st.session_state["open_run"].row))


def open_run(run: str) -> None:
    """For a callback: the run's page is shown next."""
    go_to(places.LIVE, run=run)
