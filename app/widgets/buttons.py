"""Widgets that change something: in read-only mode they are shown, disabled, and say why.

Only a look: `finegates.files.read_only` is asked again by whatever acts.
"""

from typing import Any

import streamlit as st

from finegates.files.read_only import WHY, read_only


def tell_read_only() -> None:
    """One line above every page, in read-only mode."""
    if read_only():
        st.info(WHY, icon=":material/visibility:")


def locked(**options: Any) -> dict[str, Any]:
    """Options of a widget that acts; in read-only mode it is disabled whatever they say."""
    return options | ({"disabled": True, "help": WHY} if read_only() else {})


def act_button(label: str, **options: Any) -> bool:
    """`st.button` for what starts, stops, changes or deletes."""
    return st.button(label, **locked(**options))
