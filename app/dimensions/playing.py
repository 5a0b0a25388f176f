"""The step that is shown: a slider, and a button that plays through the steps."""

import time
from collections.abc import Sequence
from functools import partial

import streamlit as st

from app.widgets.ticks import draw_every

STEP = "step"
SECONDS_A_STEP = 0.8
_PLAYS, _NEXT, _DRAWN = "dimensions_play", "dimensions_next_step", "dimensions_drawn"


def choose_step(steps: Sequence[int]) -> int:
    """One of the steps that have a snapshot, the last unless another is asked for."""
    if len(steps) < 2:
        return steps[-1]
    if _NEXT in st.session_state:
        st.session_state[STEP] = st.session_state.pop(_NEXT)
    if st.session_state.get(STEP) not in (None, *steps):
        del st.session_state[STEP]  # of another run
    step = st.select_slider(
        "Step", steps, value=steps[-1], key=STEP, bind="query-params", width=280,
        help="In optimizer steps. Gates are stored at each evaluation, and more often early on.",
    )  # fmt: skip
    plays = st.session_state.get(_PLAYS, False) and step != steps[-1]
    st.session_state[_PLAYS] = plays
    st.button(
        "Pause" if plays else "Play", key="play", on_click=_turn, args=(steps, step, plays),
        icon=f":material/{'pause' if plays else 'play_arrow'}:",
        help="Shows one step after the other, up to the last.",
    )  # fmt: skip
    if plays:  # else there is no part of the page that runs by itself
        st.session_state[_DRAWN] = time.monotonic()
        draw_every("playing", SECONDS_A_STEP, partial(_go_on, steps, step))
    return step


def _turn(steps: Sequence[int], step: int, plays: bool) -> None:
    st.session_state[_PLAYS] = not plays
    if not plays and step == steps[-1]:
        st.session_state[_NEXT] = steps[0]


def _go_on(steps: Sequence[int], step: int) -> None:
    """At its own time, not when the page is drawn."""
    if time.monotonic() - st.session_state[_DRAWN] >= SECONDS_A_STEP / 2:
        st.session_state[_NEXT] = steps[steps.index(step) + 1]
        st.rerun()
