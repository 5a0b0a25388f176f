"""Which runs the Live page watches: in the address as ``?runs=``; ``?run=`` opens one alone."""

from pathlib import Path

import streamlit as st

from app.charts.compare import MOST_RUNS
from app.reading.runs import run_rows
from app.rows import Row, removes
from app.text import escape_markdown
from app.widgets.picker import RUN_PARAMETER, no_runs
from finegates.errors import unknown_name
from finegates.runs.status import LIVE_STATES

RUNS, FOCUS = "runs", "focus"
MOST_BY_ITSELF = 6
"""Live runs that are watched unless others are asked for."""


def choose_runs(folder: Path) -> list[str]:
    """Ids of the runs to watch. Stops the page where there are none at all."""
    rows = run_rows(folder)
    if not rows:
        no_runs()
        st.stop()
    ids = sorted((row["run"] for row in rows), reverse=True)
    asked = st.query_params.get_all(RUNS)
    alone = [] if asked else st.query_params.get_all(RUN_PARAMETER)
    _say_unknown([*asked, *alone], ids)
    if RUNS in st.session_state:
        st.session_state[RUNS] = [run for run in st.session_state[RUNS] if run in ids]
    elif not any(run in ids for run in asked):
        # Not as a default, which Streamlit would leave out of the address.
        st.session_state[RUNS] = [run for run in alone if run in ids] or _by_itself(rows, ids)
    chosen = st.multiselect(
        "Runs", ids, key=RUNS, bind="query-params", placeholder="Type to search", select_all=False,
        help="Newest first in the list. Runs that are at work are chosen by themselves.",
    )  # fmt: skip
    if len(chosen) > MOST_RUNS:
        st.warning(f"{len(chosen)} runs are chosen; the first {MOST_RUNS} are shown.")
    return chosen[:MOST_RUNS]


def choose_focus(folder: Path, chosen: list[str]) -> str:
    """The run whose gates and log are shown: the only one, or one of a box."""
    if len(chosen) < 2:
        return chosen[0] if chosen else ""
    if st.session_state.get(FOCUS) not in (None, *chosen):
        del st.session_state[FOCUS]
    rows = {row["run"]: row for row in run_rows(folder)}
    with_gates = (place for place, run in enumerate(chosen) if _has_gates_to_show(rows[run]))
    return st.selectbox(
        "Gates and log of", chosen, next(with_gates, 0), key=FOCUS, bind="query-params", width=420,
        help="Curves are drawn for all runs, gates and the log for one.",
    )  # fmt: skip


def _has_gates_to_show(row: Row) -> bool:
    return removes(row) and bool(row["step"])


def _by_itself(rows: list[Row], ids: list[str]) -> list[str]:
    """Runs at work and those that come next, else the newest."""
    at_work = [row["run"] for row in rows if row["status"] in LIVE_STATES]
    waiting = sorted(row["run"] for row in rows if row["status"] == "queued")
    return [*at_work, *waiting][:MOST_BY_ITSELF] or ids[:1]


def _say_unknown(asked: list[str], ids: list[str]) -> None:
    for run in asked:
        if run not in ids:
            st.error(escape_markdown(f"{unknown_name('run', run, ids, shown=5)} It is left out."))
