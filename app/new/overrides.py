"""Widgets for settings that several methods share: empty means each method's own value.

New run shows the one recipe's values and lets them be changed; a sweep has several recipes, so it
shows their values in grey and asks only for what should be the same in all.
"""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from app.new.fields import default_of, help_of, label_of, number_limits, step_of, type_of
from app.new.recipes import matters
from finegates.spec import FIELDS

PREFIX = "sweep."
ON, OFF = "on", "off"
NONE_SET = "none"
MOST_SHOWN = 2


def override_input(name: str, methods: Sequence[str], container: Any = st) -> Any:
    """The widget of a setting, empty, with the methods' own values in grey."""
    kind, _ = type_of(name)
    hint = own_values(name, methods)
    key = PREFIX + name
    common = {"key": key, "help": help_of(name), "persist_state": "session", "placeholder": hint}
    label = label_of(name)
    if kind is bool:
        return container.selectbox(label, (ON, OFF), index=None, **common)
    if kind is tuple:
        words = FIELDS[name].metadata["choices"]
        return container.multiselect(label, words, accept_new_options=not words, **common)
    if choices := FIELDS[name].metadata["choices"]:
        return container.selectbox(label, choices, index=None, **common)
    if kind in (int, float):
        step = {"step": step_of(name, default_of(name, methods[0])), "format": "%g"}
        step = step if kind is float else {"step": 1}
        return container.number_input(
            label, value=None, **number_limits(name, kind), **step, **common
        )
    return container.text_input(label, **common)


def overridden(names: Sequence[str]) -> dict[str, Any]:
    """What was chosen for all methods, of the settings that are on the page."""
    values = {name: st.session_state.get(PREFIX + name) for name in names}
    return {
        name: _as_setting(name, value)
        for name, value in values.items()
        if value not in (None, "", [], ())
    }


def own_values(name: str, methods: Sequence[str]) -> str:
    """``"0.003"``; where methods that it matters to differ, ``"own: 0.003, 0.001"``."""
    concerned = [method for method in methods if matters(name, [method])]
    values = list(dict.fromkeys(_word(default_of(name, method)) for method in concerned))
    if len(values) == 1:
        return values[0]
    return "own: " + ", ".join(values[:MOST_SHOWN]) + (", …" if len(values) > MOST_SHOWN else "")


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return ON if value else OFF
    if isinstance(value, tuple):
        return " ".join(value)
    if isinstance(value, float):
        return f"{value:g}"
    return NONE_SET if value is None else str(value)


def _as_setting(name: str, value: Any) -> Any:
    if type_of(name)[0] is bool:
        return value == ON
    return tuple(value) if isinstance(value, list) else value
