"""How answers are kept: keyed on what decides them, at most so many, and without a spinner.

What decides an answer is a path and when it last changed, so `changed_ns` stands among the
arguments of whatever reads a file.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import streamlit as st

P = ParamSpec("P")
R = TypeVar("R")


def copied(most: int, **options: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Keeps this many answers of a function; each caller gets a copy, which it may change.

    Args:
        most: Answers to keep; the oldest goes first.
        options: Further ones of `st.cache_data`.
    """
    return st.cache_data(max_entries=most, show_spinner=False, **options)


def shared(most: int, **options: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Keeps this many answers of a function, each one and the same for all sessions.

    Args:
        most: Answers to keep; the oldest goes first.
        options: Further ones of `st.cache_resource`.
    """
    return st.cache_resource(max_entries=most, show_spinner=False, **options)


def changed_ns(path: Path) -> int:
    """When a file or folder last changed, in nanoseconds; 0 where there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
