"""Where the gates are cut off, chosen on the page and kept in its address; each run has its own."""

import math
from typing import Any

import streamlit as st

from app.reading.countings import TOKENS, countings_of
from app.reading.gates import snapshot_at
from app.reading.one_run import row_of
from app.words import TERMS, percent
from finegates.gates.counting import PARAMETERS, PRODUCTS, TIME, WEIGHTS
from finegates.gates.cuts import Cut, counted_cut
from finegates.gates.removal import removal
from finegates.gates.snapshots import Snapshot
from finegates.runs.folder import Run

BUDGET, THRESHOLD = "Budget", "Threshold"
WAY_KEY, BUDGET_KEY, THRESHOLD_KEY, OF_KEY = "by", "remove", "threshold", "of"
TITLES = {
    WEIGHTS: "Gated weights",
    PARAMETERS: "Parameters",
    PRODUCTS: "Multiply-accumulates",
    TIME: "Time",
}
EXPLAINED = (
    f"What the budget is a fraction of: the weights of the gated matrices, all parameters of the "
    f"model, its multiply-accumulates for {TOKENS} tokens, or the time of a pass, as expected from "
    "what the parts of a layer take on this machine. Time can be chosen once the run was timed."
)
HIGHEST = 0.99
REACHED, DIGITS = 0.005, 4
"""Closer to its target than half a step of the slider a run has reached it."""
_SHOWN = "_cut_shown"


def choose_cut(run: Run, snapshot: Snapshot) -> Cut:
    """Where the gates are cut off: what the address asks for, else the run's own target."""
    own = removal(snapshot.layout, snapshot.closed).removed_weights_fraction
    start: dict[str, Any] = {
        WAY_KEY: BUDGET, BUDGET_KEY: _own_target(run, own), THRESHOLD_KEY: 0.0, OF_KEY: WEIGHTS,
    }  # fmt: skip
    moved = _as_asked(run, start)
    st.session_state.update(moved)
    # Streamlit takes a start value, or one that is set: with both it fills its log.
    given = start | dict.fromkeys(moved)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        way = st.segmented_control(
            "Cut by", [BUDGET, THRESHOLD], default=given[WAY_KEY], key=WAY_KEY,
            bind="query-params", required=True, help="**Budget**: exactly the lowest gates that "
            "remove this share are closed.  \n**Threshold**: gates up to this "
            "value are closed.",
        )  # fmt: skip
        if way == THRESHOLD:
            st.slider(
                "Threshold", 0.0, 1.0, given[THRESHOLD_KEY], 0.01, key=THRESHOLD_KEY,
                bind="query-params", width="stretch", help="On gate values in evaluation, from 0 "
                "(closed) to 1 (open). 0 is what training left, 1 closes everything.",
            )  # fmt: skip
        else:
            options = list(countings_of(run, snapshot.layout))
            if st.session_state.get(OF_KEY) not in (None, *options):
                st.session_state[OF_KEY] = WEIGHTS
            st.selectbox(
                "Share of", options, format_func=TITLES.__getitem__, key=OF_KEY,
                bind="query-params", width=210, help=EXPLAINED,
            )  # fmt: skip
            st.slider(
                "To remove", 0.0, HIGHEST, given[BUDGET_KEY], 0.01, key=BUDGET_KEY,
                bind="query-params", format="percent", width="stretch",
                help=f"{TERMS['removed']} Training left this run at {percent(own, 0)}.",
            )  # fmt: skip
    name = THRESHOLD_KEY if way == THRESHOLD else BUDGET_KEY
    asked = {WAY_KEY: way, name: st.session_state[name]}
    asked |= {OF_KEY: st.session_state[OF_KEY]} if name == BUDGET_KEY else {}
    st.session_state[_SHOWN] = run.id, asked
    return chosen_cut(run, snapshot)


def chosen_cut(run: Run, snapshot: Snapshot | None = None) -> Cut:
    """The cut as the boxes have it; in a callback that of the click, before the page is drawn.

    Args:
        run: The run.
        snapshot: Its last gates, where they are read already.

    Raises:
        SpecError: If more is to be removed than all gates together do.
    """
    if st.session_state[WAY_KEY] == THRESHOLD:
        return Cut(threshold=st.session_state[THRESHOLD_KEY])
    remove, of = st.session_state[BUDGET_KEY], st.session_state[OF_KEY]
    if of == WEIGHTS:
        return Cut(remove=remove)
    gates = snapshot or snapshot_at(run, run.snapshot_steps()[-1])
    counting = countings_of(run, gates.layout)[of]
    return counted_cut(gates.layout, gates.means, remove, counting)


def _own_target(run: Run, own: float) -> float:
    """The run's target; of one that finished elsewhere, as recipes of another aim do, that."""
    target = run.spec.target_sparsity
    elsewhere = row_of(run)["status"] == "finished" and abs(own - target) >= REACHED
    return min(round(own, DIGITS) if elsewhere else target, HIGHEST)


def _as_asked(run: Run, start: dict[str, Any]) -> dict[str, Any]:
    """What the boxes are to be set to: of another run, or by a link that names only the number."""
    run_before, before = st.session_state.get(_SHOWN, ("", {}))
    address = _address()
    asked = {name: value for name, value in address.items() if value != before.get(name)}
    # Of another run an address that asks for nothing new is what the run before has left there.
    moved = start | (address if asked else {}) if run.id != run_before else {}
    if WAY_KEY not in address and {BUDGET_KEY, THRESHOLD_KEY} & asked.keys():
        moved[WAY_KEY] = THRESHOLD if THRESHOLD_KEY in asked else BUDGET
    return moved


def _address() -> dict[str, Any]:
    """The cut in the address; without what is no cut."""
    found: dict[str, Any] = {}
    if (way := st.query_params.get(WAY_KEY)) in (BUDGET, THRESHOLD):
        found[WAY_KEY] = way
    if (of := st.query_params.get(OF_KEY)) in TITLES:
        found[OF_KEY] = of
    for name, highest in ((BUDGET_KEY, HIGHEST), (THRESHOLD_KEY, 1.0)):
        try:
            number = float(st.query_params.get(name, ""))
        except ValueError:
            continue
        if math.isfinite(number):
            found[name] = min(max(number, 0.0), highest)
    return found
