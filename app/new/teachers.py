"""Which finished runs can teach a new one, and the box that chooses among them."""

from typing import Any

import streamlit as st

from app.new.fields import help_of, label_of
from app.new.recipes import TEACHER
from app.rows import Row, is_dense
from app.words import score
from finegates.data.splits import TextSplits
from finegates.spec import START_TEACHER

_START = "the model that it starts from"


def teachers(rows: list[Row], task: str, splits: TextSplits | None) -> dict[str, Row]:
    """Finished dense runs of a task, newest first: id -> row.

    Args:
        rows: Every run's row.
        task: The task of the new run.
        splits: Its rows, where they have been read: then only runs on the very same rows count.
    """
    same = (lambda row: row["fingerprint"] == splits.fingerprint) if splits else (lambda row: True)
    return {
        row["run"]: row
        for row in rows
        if row["status"] == "finished" and row["task"] == task and is_dense(row) and same(row)
    }


def possible_teachers(found: dict[str, Row], prefix: str) -> list[str]:
    """What the box offers: the model that the run starts from, if any, and the runs found."""
    starts = st.session_state.get(f"{prefix}start_from")
    return [*([START_TEACHER] if starts else []), *found]


def teacher_input(found: dict[str, Row], prefix: str, container: Any = st) -> str | None:
    """The box. A teacher that is not there for this data is forgotten."""
    key, offered = prefix + TEACHER, possible_teachers(found, prefix)
    if st.session_state.get(key) not in (None, *offered):
        st.session_state[key] = None
    return container.selectbox(
        label_of(TEACHER), offered, index=None, key=key, persist_state="session",
        placeholder="none", help=help_of(TEACHER),
        format_func=lambda run: _named(found[run]) if run in found else _START,
    )  # fmt: skip


def _named(row: Row) -> str:
    return (
        f"{row['method']}, seed {row['seed']}, {score(row['score'], row['metric'])} ({row['run']})"
    )
