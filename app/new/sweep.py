"""What a sweep varies: methods, targets and seeds; and a name for it."""

import re
from collections.abc import Iterable

import streamlit as st

from app.new import keys
from app.new.recipes import explained, ordered
from app.words import percent
from finegates.methods import DEFAULT_METHOD, METHODS
from finegates.runs.names import data_name
from finegates.spec import FIELDS, FILE_TASK, MAX_SEED

PERCENTS = tuple(range(0, 100, 5))
DEFAULT_PERCENTS = tuple(range(0, 70, 10))
DEFAULT_DENSE = "full"
MOST_SEEDS = 50


def choose_methods() -> list[str]:
    """The chosen methods, what removes weights first."""
    removing = [name for name in ordered() if METHODS[name].removes]
    dense = [name for name in ordered() if not METHODS[name].removes]
    st.session_state.setdefault(keys.REMOVING, [DEFAULT_METHOD])
    st.session_state.setdefault(keys.DENSE, [DEFAULT_DENSE])
    first = st.multiselect(
        "Methods that remove weights", removing, key=keys.REMOVING,
        persist_state="session", help=explained(removing), placeholder="none: baselines alone",
        select_all=False,
    )  # fmt: skip
    second = st.multiselect(
        "Dense baselines", dense, key=keys.DENSE, persist_state="session",
        help="Remove nothing, so each is trained once a seed and is a line across the chart.  \n"
        + explained(dense), placeholder="none", select_all=False,
    )  # fmt: skip
    return [*first, *second]


def choose_targets() -> tuple[list[float], str]:
    """The chosen targets in [0, 1], and what is wrong with them."""
    meta = FIELDS["target_sparsity"].metadata
    st.session_state.setdefault(keys.TARGETS, list(DEFAULT_PERCENTS))
    given = st.multiselect(
        "Targets", PERCENTS, key=keys.TARGETS, persist_state="session",
        accept_new_options=True, select_all=False, format_func=_as_percent, help=meta["help"]
        + f" From {percent(meta['minimum'], 0)} to {percent(meta['maximum'], 0)}; type any other "
        "number of percent and press Enter.",
    )  # fmt: skip
    return read_targets(given)


def read_targets(given: Iterable[int | str]) -> tuple[list[float], str]:
    """Percentages, as chosen or typed -> sorted fractions, and the first that is no percentage."""
    fractions: set[float] = set()
    for word in given:
        number = re.fullmatch(r"\s*(\d{1,3}(?:[.,]\d+)?)\s*%?\s*", str(word))
        if number is None:
            return sorted(fractions), f"Target '{word}' is no percentage; write a number, as in 35."
        fractions.add(round(float(number[1].replace(",", ".")) / 100, 6))
    return sorted(fractions), ""


def choose_seeds() -> list[int]:
    """As many seeds as asked for, from the first on."""
    left, right = st.columns(2)
    st.session_state.setdefault(keys.SEEDS, 1)
    st.session_state.setdefault(keys.FIRST_SEED, 0)
    number = left.number_input(
        "Seeds", 1, MOST_SEEDS, key=keys.SEEDS, persist_state="session",
        help="How often each is repeated: with 3, the seeds are 0, 1 and 2. A line goes through "
        "the medians; whiskers show the range.",
    )  # fmt: skip
    first = right.number_input(
        "First seed", 0, MAX_SEED - MOST_SEEDS, key=keys.FIRST_SEED, persist_state="session",
        help="Others than 0 where the first ones have been run already.",
    )  # fmt: skip
    return list(range(int(first), int(first) + int(number)))


def word_of(task: str, source: str | None) -> str:
    """What a group is called after: the task or, of a file, the file, without odd characters."""
    name = data_name(task, source) if task == FILE_TASK else task
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._") or "sweep"


def choose_name(word: str, taken: Iterable[str]) -> str:
    """The typed name, else one that is free."""
    suggested = free_name(word, set(taken))
    typed = st.text_input(
        "Name", key=keys.SWEEP_NAME, placeholder=suggested, persist_state="session",
        help="Of the group of runs. Letters, digits, '.', '_' and '-'.",
    )  # fmt: skip
    return typed.strip() or suggested


def free_name(task: str, taken: set[str]) -> str:
    """``"sst2-sweep-1"``, or the next number that no group has."""
    number = 1
    while f"{task}-sweep-{number}" in taken:
        number += 1
    return f"{task}-sweep-{number}"


def _as_percent(value: int | str) -> str:
    return f"{str(value).rstrip(' %')} %"
