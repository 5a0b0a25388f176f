"""Which run is chosen, in the session. `app.widgets.chosen` shows it and puts it in the address."""

import streamlit as st

RUN_PARAMETER = "run"
CHOSEN, NEXT, SEEN = "chosen_run", "run_to_choose", "run_in_address"
BY_ITSELF = "run_chosen_by_itself"


def choose_run(run: str) -> None:
    """For a callback, or before a page is switched: this run is the chosen one from now on."""
    st.session_state[NEXT] = run


def chosen_run() -> str:
    """Id of the chosen run; of one that was asked for and is not there too. Empty without one."""
    return st.session_state.get(CHOSEN, "")


def was_chosen_by_itself() -> bool:
    """Whether nobody has chosen a run yet, and a page opened on a good one."""
    return st.session_state.get(BY_ITSELF) == chosen_run()
