"""The run or the groups that a page shows, and what it shows where there are none."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from app import places
from app.reading.runs import run_ids, run_names, run_rows
from app.rows import gates_first
from app.text import escape_markdown
from app.widgets.run_state import RUN_PARAMETER, choose_run, chosen_run
from finegates.errors import unknown_name
from finegates.runs.folder import Run

__all__ = [
    "RUN_PARAMETER",
    "choose_run",
    "chosen_run",
    "no_runs",
    "pick_groups",
    "pick_run",
    "pick_several",
    "say_unknown_group",
]

GROUP_PARAMETER = "group"
MOST_OFFERED = 8
ALL_RUNS = "all finished runs"


def pick_run(folder: Path) -> Run:
    """The chosen run, which `app.widgets.chosen` shows above the page.

    Stops the page where none is chosen, or the chosen one is not there any more: what is shown of
    another run would be taken for it.
    """
    ids = run_ids(folder)
    if not ids:
        no_runs()
        st.stop()
    if chosen_run() not in ids:
        _offer_runs(folder)
        st.stop()
    return Run(folder / chosen_run())


def pick_several(label: str, names: Mapping[str, str], key: str, **options: Any) -> list[str]:
    """Ids of the runs that are chosen by name, kept in the address by id as ``?<key>=``.

    Args:
        label: Of the box.
        names: Id of each run -> its name, unlike any other's.
        key: Of the box with the ids, which is bound to the address; set its value to choose. It is
            hidden by the style in `app.widgets.chosen`, which has to name it.
        options: Of `st.multiselect`.
    """
    box, again = f"{key}_box", f"{key}_again"
    if again in st.session_state:
        st.session_state[key] = [run for run in st.session_state.pop(again) if run in names]
    before = st.session_state.get(key)
    chosen = st.multiselect(
        label, list(names), key=key, bind="query-params", label_visibility="collapsed"
    )
    if before and not chosen:  # Back, to an address from before any was chosen
        st.session_state[again] = before
        st.rerun()
    st.session_state[box] = chosen
    st.multiselect(
        label, list(names), key=box, format_func=names.__getitem__, select_all=False,
        placeholder="Type to search", on_change=_take, args=(box, key), **options,
    )  # fmt: skip
    return chosen


def _take(box: str, key: str) -> None:
    st.session_state[key] = st.session_state[box]


def _offer_runs(folder: Path) -> None:
    """Some runs to choose from, in place of a page."""
    names = run_names(folder)
    with st.container(border=True):
        st.markdown("**Choose a run** in the box above, or one of these:")
        for row in gates_first(run_rows(folder))[:MOST_OFFERED]:
            st.button(
                escape_markdown(names[row["run"]]), type="tertiary", key=f"offered-{row['run']}",
                on_click=choose_run, args=(row["run"],), help=f"`{row['run']}`",
            )  # fmt: skip


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


def pick_groups(names: list[str], first: str) -> list[str]:
    """The groups of the address, else this first one; none stands for all finished runs."""
    options = [*names, ALL_RUNS]
    asked = st.query_params.get_all(GROUP_PARAMETER)
    kept = st.session_state.get(GROUP_PARAMETER)
    if kept is not None:
        st.session_state[GROUP_PARAMETER] = _all_or_some(kept, options, first)
    elif not {*asked} & {*options}:
        st.session_state[GROUP_PARAMETER] = [first]
    chosen = st.multiselect(
        "Groups", options, key=GROUP_PARAMETER, bind="query-params", width=420,
        help="The runs of one sweep each, newest first; several are laid over one another. "
        "Without any, every finished run that is here.",
    )  # fmt: skip
    return [] if ALL_RUNS in chosen else chosen


def _all_or_some(chosen: list[str], options: list[str], first: str) -> list[str]:
    """What was chosen last wins; nothing is all runs, said so that the address keeps it.

    In place of groups that were all deleted meanwhile the first one is chosen.
    """
    there = [name for name in chosen if name in options]
    if chosen and not there:
        return [first]
    if not there or there[-1] == ALL_RUNS:
        return [ALL_RUNS]
    return [name for name in there if name != ALL_RUNS]
