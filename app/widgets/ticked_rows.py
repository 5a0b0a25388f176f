"""Rows that are ticked in a table, kept by name: their places move with filters and new rows."""

from collections.abc import Sequence

import streamlit as st


def keep_ticks(table: str, shown: Sequence[str], place: str) -> None:
    """Keeps what a table has ticked, and what was ticked of rows that it does not show.

    Args:
        table: Key of the table.
        shown: Names of its rows.
        place: Where in the session state the ticked names are, in the order of their ticks.
    """
    now = [shown[row] for row in st.session_state[table].selection.rows]
    before = st.session_state.get(place, [])
    kept = [name for name in before if name in now or name not in shown]
    st.session_state[place] = [*kept, *(name for name in now if name not in kept)]
