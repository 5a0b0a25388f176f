"""Widgets made from the fields of `RunSpec`: help, unit, range and choices are written there only.

What the user has typed is kept in the session under ``new.<setting>``. A value that is the recipe's
own follows the recipe when that is changed; one that was typed stays.
"""

import math
from collections.abc import Mapping
from typing import Any, get_type_hints

import streamlit as st

from app.new import keys
from app.words import title
from finegates.methods import METHODS
from finegates.settings import allowed_range, base_type
from finegates.spec import FIELDS, RunSpec

PREFIX = "new."
FRACTION_STEP = 0.05
_RECIPE = "new_recipe"
_WORDS = {"max_train_samples": "Training rows, at most"}
"""Where a setting's name is not what people call it."""
_HINTS = get_type_hints(RunSpec)


def default_of(name: str, method: str) -> Any:
    """A setting's value where the user says nothing."""
    return METHODS[method].settings.get(name, FIELDS[name].default)


def chosen(method: str, names: list[str]) -> dict[str, Any]:
    """What the user set otherwise than the recipe does, of the settings that are on the page."""
    values = {name: st.session_state.get(PREFIX + name) for name in names}
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in values.items()
        if value not in (None, "") and _plain(value) != _plain(default_of(name, method))
    }


def follow_recipe(method: str) -> None:
    """Gives the settings that were left at the last recipe's values those of this one."""
    before = st.session_state.get(_RECIPE, method)
    for name in FIELDS:
        key = PREFIX + name
        if before != method and key in st.session_state:
            old, new = default_of(name, before), default_of(name, method)
            if _plain(st.session_state[key]) == _plain(old) and old != new:
                st.session_state[key] = as_widget(new)
    st.session_state[_RECIPE] = method


def setting_input(name: str, method: str, container: Any = st, **options: Any) -> Any:
    """The widget of a setting, chosen by its type."""
    field, (kind, optional) = FIELDS[name], type_of(name)
    key = PREFIX + name
    st.session_state.setdefault(key, as_widget(default_of(name, method)))
    common = {"key": key, "help": help_of(name), "persist_state": "session", **options}
    label = label_of(name)
    if kind is bool:
        return container.toggle(label, **common)
    if kind is tuple:
        words = field.metadata["choices"]
        return container.multiselect(label, words, accept_new_options=not words, **common)
    if choices := field.metadata["choices"]:
        return container.selectbox(label, choices, **common)
    if kind in (int, float):
        return container.number_input(label, **_number(name, kind, method, optional), **common)
    return container.text_input(label, placeholder="empty" if optional else "", **common)


def type_of(name: str) -> tuple[type, bool]:
    """A setting's plain type, and whether it may be empty."""
    return base_type(_HINTS[name])


def label_of(name: str) -> str:
    """A setting's name in words, with its unit."""
    if name in _WORDS:
        return _WORDS[name]
    unit = FIELDS[name].metadata["unit"]
    return title(name) + (f" ({unit})" if unit and not name.endswith(unit) else "")


def help_of(name: str) -> str:
    """What a setting means, and what is allowed."""
    meta = FIELDS[name].metadata
    range_ = allowed_range(meta)
    return meta["help"] + (f" Allowed: {range_}." if range_ and range_ != meta["unit"] else "")


def number_limits(name: str, kind: type) -> dict[str, Any]:
    """The smallest and the largest number allowed, as `st.number_input` takes them."""
    meta = FIELDS[name].metadata
    low, high = (None if v is None else kind(v) for v in (meta["minimum"], meta["maximum"]))
    return {"min_value": low, "max_value": high}


def _number(name: str, kind: type, method: str, optional: bool) -> dict[str, Any]:
    default = default_of(name, method)
    number = number_limits(name, kind)
    if optional:
        number |= {"value": None, "placeholder": "none" if default is None else f"{default:g}"}
    if kind is float:
        number |= {"step": step_of(name, default), "format": "%g"}
    else:
        number["step"] = 1
    return number


def step_of(name: str, default: float | None) -> float:
    """How much one press of a number's button changes it."""
    if name.endswith("_fraction") or not default:
        return FRACTION_STEP
    return 10.0 ** math.floor(math.log10(default))


def start_from(recipe: str) -> None:
    """Says that the session's settings were typed for this recipe, so that none follows another."""
    st.session_state[_RECIPE] = recipe


def put(key: str, value: Any) -> None:
    """For the callback of a button: the session holds this value from now on."""
    st.session_state[key] = value


def ask(question: str, about: str, setting: str, file: str, answers: Mapping[str, str]) -> None:
    """A question about a kept file that has to be answered: a button for each answer.

    Args:
        question: In a few words.
        about: What it is about; holds words of the data.
        setting: Of a spec; an answer becomes its value.
        file: Name of the kept file.
        answers: Value -> what its button says.
    """
    with st.container(border=True):
        st.markdown(f":material/help: **{question}**")
        st.text(about)
        with st.container(horizontal=True):
            for answer, label in answers.items():
                st.button(
                    label, key=f"{setting}_{answer}_{file}",
                    on_click=put, args=(keys.of_file(setting, file), answer),
                )  # fmt: skip


def as_widget(value: Any) -> Any:
    """A setting's value as its widget holds it."""
    if isinstance(value, tuple):
        return list(value)
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return None if value == "" else value
