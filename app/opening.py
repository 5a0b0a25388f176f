"""Opening a run from a table on a page whose fragment ticks."""

import time

import streamlit as st

LIVE = "app_pages/live.py"
TICK_ON_ITS_WAY_S = 0.3
_OPENING, _SHOWN = "opening", "runs_shown"


def open_if_clicked() -> None:
    """Switches to the run that was clicked; to be called before anything ticks."""
    if run := st.session_state.pop(_OPENING, None):
        # Nothing ticks in this run, but the browser may have sent a tick already, and Streamlit
        # 1.67 merges a tick into a page switch that waits: a blank page in one of six tries
        # (2026-11).
        time.sleep(TICK_ON_ITS_WAY_S)
        st.switch_page(LIVE, query_params={"run": run})


def leave_if_clicked() -> None:
    """Leaves the fragment for `open_if_clicked`."""
    if _OPENING in st.session_state:
        st.rerun()


def remember_shown(runs: list[str]) -> None:
    """Which run each row of the table stands for."""
    st.session_state[_SHOWN] = runs


def shown_run(row: int) -> str:
    """The run of a row of the table, as it was drawn last."""
    return st.session_state[_SHOWN][row]


def open_clicked() -> None:
    """Callback of the table's Open buttons."""
    st.session_state[_OPENING] = shown_run(st.session_state["open_run"].row)
