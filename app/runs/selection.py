"""The runs that are ticked in the table, kept by name: their places move as runs are added."""

from collections.abc import Iterable, Sequence

import streamlit as st

from app.widgets.ticked_rows import keep_ticks

_TICKED, _VERSION = "ticked_runs", "ticked_version"


def ticked(there: Iterable[str]) -> list[str]:
    """The ticked runs that are still there, in the order in which they were ticked."""
    there = {*there}
    return [run for run in st.session_state.get(_TICKED, ()) if run in there]


def untick_all() -> None:
    """Forgets them. The table is drawn again, since it keeps its ticks itself."""
    st.session_state[_TICKED] = []
    st.session_state[_VERSION] = version() + 1


def version() -> int:
    """Goes up whenever the ticks, and what was typed for them, are forgotten."""
    return st.session_state.get(_VERSION, 0)


def rows_ticked(key: str, shown: Sequence[str]) -> None:
    """Callback of the table: its ticks, and those of runs that the filter hides."""
    keep_ticks(key, shown, _TICKED)
