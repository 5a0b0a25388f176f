"""Choosing a run, kept in the address as ``?run=``, and what to show where there is none."""

from pathlib import Path
from typing import Any

import streamlit as st

from app import places
from app.reading.gates import gated_runs
from app.reading.runs import run_ids
from app.text import escape_markdown
from finegates.errors import unknown_name
from finegates.runs.folder import Run

RUN_PARAMETER, GROUP_PARAMETER = "run", "group"
ALL_RUNS = "all finished runs"


def pick_run(folder: Path, container: Any = st) -> Run:
    """The run of the address, else the newest that carries its gates, else the newest of all.

    A box to change it. Stops the page without runs.
    """
    ids = run_ids(folder)
    if not ids:
        no_runs()
        st.stop()
    asked = st.query_params.get(RUN_PARAMETER)
    first = next(iter(gated_runs(folder)), ids[0])
    if asked and asked not in ids:
        st.error(escape_markdown(f"{unknown_name('run', asked, ids[:5])} The newest one is shown."))
    if asked not in ids and st.session_state.get(RUN_PARAMETER) not in ids:
        st.session_state[RUN_PARAMETER] = first
    # No default, which Streamlit would leave out of the address: the newest will be another soon.
    chosen = container.selectbox(
        "Run", ids, index=None, key=RUN_PARAMETER, bind="query-params",
        help="Newest first. Type to search.",
    )  # fmt: skip
    return Run(folder / (chosen or first))


def no_runs() -> None:
    """What to do when nothing has been run yet."""
    with st.container(border=True):
        st.markdown("**No runs yet.** The default run takes about two minutes on a CPU.")
        st.page_link(places.NEW_RUN, label="Start the first run", icon=":material/add:")


def say_unknown_group(names: list[str]) -> None:
    """Says so where the address asks for groups that are not there."""
    for asked in st.query_params.get_all(GROUP_PARAMETER):
        if asked and asked not in (*names, ALL_RUNS):
            st.error(
                escape_markdown(f"{unknown_name('group', asked, names, shown=5)} It is left out.")
            )


def pick_groups(names: list[str]) -> list[str]:
    """The groups of the address, else the newest; none stands for all finished runs."""
    options = [*names, ALL_RUNS]
    asked = st.query_params.get_all(GROUP_PARAMETER)
    kept = st.session_state.get(GROUP_PARAMETER)
    if kept is not None:
        st.session_state[GROUP_PARAMETER] = _all_or_some(kept, options)
    elif not {*asked} & {*options}:
        st.session_state[GROUP_PARAMETER] = options[:1]
    chosen = st.multiselect(
        "Groups", options, key=GROUP_PARAMETER, bind="query-params", width=420,
        help="The runs of one sweep each, newest first; several are laid over one another. "
        "Without any, every finished run that is here.",
    )  # fmt: skip
    return [] if ALL_RUNS in chosen else chosen


def _all_or_some(chosen: list[str], options: list[str]) -> list[str]:
    """What was chosen last wins; nothing is all runs, said so that the address keeps it.

    Groups that were all deleted meanwhile are the newest there is.
    """
    there = [name for name in chosen if name in options]
    if chosen and not there:
        return options[:1]
    if not there or there[-1] == ALL_RUNS:
        return [ALL_RUNS]
    return [name for name in there if name != ALL_RUNS]
