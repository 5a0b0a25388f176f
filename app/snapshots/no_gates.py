"""What to show of a run that carries no gates: why, and which runs carry theirs."""

from pathlib import Path

import streamlit as st

from app.reading.gates import gated_runs
from app.reading.one_run import status_of
from app.reading.runs import run_names
from app.text import escape_markdown
from app.widgets.chosen import choose_run
from app.words import no_gates
from finegates.errors import FineGatesError
from finegates.methods import METHODS
from finegates.runs.folder import Run
from finegates.runs.status import ACTIVE_STATES

LINKS_SHOWN = 12


def show_no_gates(run: Run, folder: Path) -> None:
    """Why there is nothing to see of this run, and which runs have something."""
    st.info(_why_no_gates(run), icon=":material/grid_off:")
    if ids := gated_runs(folder):
        st.markdown("**Runs that carry their gates**")
        names = run_names(folder)
        for other in ids[:LINKS_SHOWN]:
            st.button(
                escape_markdown(names[other]), type="tertiary", icon=":material/grid_on:",
                key=f"open_{other}", on_click=choose_run, args=(other,), help=f"`{other}`",
            )  # fmt: skip
        if len(ids) > LINKS_SHOWN:
            st.caption(f"And {len(ids) - LINKS_SHOWN} more, in the box above.")


def _why_no_gates(run: Run) -> str:
    try:
        method, status = run.spec.method, status_of(run)
    except FineGatesError as error:
        return str(error)
    if method in METHODS and not METHODS[method].removes:
        return no_gates(method) + " Choose a run with gates."
    if status.state in ACTIVE_STATES:
        return "This run has no gates yet: the first are stored soon after its first steps."
    if status.state == "finished":
        return (
            "This run does not carry its gate values: only its settings, scores and curve are in "
            "its folder. Of the shipped runs, those of the first seed of the default recipe have "
            "them all; train this one again to have them here."
        )
    return "This run ended before any of its gates were stored."
