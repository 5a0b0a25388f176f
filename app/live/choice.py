"""Which runs the Live page watches: the chosen run, and others, in the address as ``?runs=``."""

from pathlib import Path

import streamlit as st

from app.charts.compare import MOST_RUNS
from app.reading.runs import run_names, run_rows
from app.rows import Row, removes
from app.text import escape_markdown
from app.widgets.picker import no_runs, pick_run, pick_several
from app.widgets.run_state import choose_run, chosen_run, was_chosen_by_itself
from finegates.errors import unknown_name
from finegates.runs.status import LIVE_STATES

RUNS = "runs"
MOST_BY_ITSELF = 6
"""Live runs that are watched unless others are asked for."""
_BEFORE = "live_run_before"


def choose_runs(folder: Path) -> list[str]:
    """Ids of the runs to watch, the chosen one among them. Stops the page where there is none."""
    rows = run_rows(folder)
    if not rows:
        no_runs()
        st.stop()
    names, one = run_names(folder), chosen_run()
    asked = st.query_params.get_all(RUNS)
    _say_unknown(asked, list(names))
    if RUNS in st.session_state:
        _keep(_with_chosen([run for run in st.session_state[RUNS] if run in names], one, names))
    elif not any(run in names for run in asked):
        # Not as a default, which Streamlit would leave out of the address.
        st.session_state[RUNS] = _by_itself(rows, pick_run(folder).id)
    st.session_state[_BEFORE] = one
    chosen = pick_several(
        "Runs", names, RUNS,
        help="Curves are drawn for all of these, gates and the log for the one above. Newest "
        "first in the list. Runs that are at work are chosen by themselves.",
    )  # fmt: skip
    if not chosen:
        return []
    if one not in chosen:
        choose_run(_with_gates(rows, chosen))
        st.rerun()
    if len(chosen) > MOST_RUNS:
        st.warning(f"{len(chosen)} runs are chosen; {MOST_RUNS} of them are shown.")
    first = chosen[:MOST_RUNS]
    return first if one in first else [one, *first[:-1]]


def _with_gates(rows: list[Row], chosen: list[str]) -> str:
    """The first that has gates to show, else the first."""
    known = {row["run"]: row for row in rows}
    return next((r for r in chosen if removes(known[r]) and known[r]["step"]), chosen[0])


def _with_chosen(kept: list[str], one: str, names: dict[str, str]) -> list[str]:
    """Another run that was chosen above joins those that are watched, or takes the place of one."""
    if one in kept or one not in names or one == st.session_state.get(_BEFORE):
        return kept
    return [one, *kept] if len(kept) > 1 else [one]


def _keep(runs: list[str]) -> None:
    if st.session_state[RUNS] != runs:
        st.session_state[RUNS] = runs


def _by_itself(rows: list[Row], one: str) -> list[str]:
    """The chosen run; where nobody chose it, all runs at work and those that come next."""
    at_work = [row["run"] for row in rows if row["status"] in LIVE_STATES]
    if not was_chosen_by_itself() or not at_work:
        return [one]
    waiting = sorted(row["run"] for row in rows if row["status"] == "queued")
    return [*at_work, *waiting][:MOST_BY_ITSELF]


def _say_unknown(asked: list[str], ids: list[str]) -> None:
    for run in asked:
        if run not in ids:
            st.error(escape_markdown(f"{unknown_name('run', run, ids, shown=5)} It is left out."))
