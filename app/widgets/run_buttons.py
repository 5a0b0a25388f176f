"""Buttons that act on a run: pause, stop, resume, delete, through `finegates.jobs.control`."""

import time
from collections.abc import Callable
from typing import Any

import streamlit as st

from app.text import plain
from app.widgets.buttons import act_button
from finegates.errors import FineGatesError
from finegates.jobs import control as jobs
from finegates.runs.folder import BROKEN, Run, delete_run
from finegates.runs.status import RESUMABLE_STATES, STOP_FILE

FORCE_AFTER_S = 8


def run_buttons(run: Run, state: str, *, can_delete: bool = False) -> None:
    """What can be done with a run in this state, side by side."""
    with st.container(horizontal=True, gap="small", width="content"):
        if state in ("running", "paused"):
            _pause_button(run, state)
        if state in ("queued", "starting", "running", "paused"):
            _button(run, "Stop", "stop", "Finishes the step, saves a checkpoint and ends.",
                    jobs.request_stop)  # fmt: skip
        if state == "stopping" and _seconds_stopping(run) > FORCE_AFTER_S:
            _confirmed(
                run,
                "Stop by force",
                "dangerous",
                "Kills the worker at once. What it did since its last evaluation is lost; the "
                "run can be resumed from there.",
                jobs.kill,
            )
        if state in RESUMABLE_STATES:
            _button(run, "Resume", "resume", "Goes on from the last checkpoint.", jobs.resume)
        if can_delete and state in (*RESUMABLE_STATES, "finished", BROKEN):
            _confirmed(
                run,
                "Delete",
                "delete",
                f"Moves `{run.id}` to the folder `.bin` of the runs folder, from where it can be "
                "moved back.",
                delete_run,
            )


def _pause_button(run: Run, state: str) -> None:
    paused = state == "paused"
    _button(
        run,
        "Continue" if paused else "Pause",
        "play_arrow" if paused else "pause",
        "Goes on training." if paused else "Waits after its step until you continue it.",
        lambda r: jobs.pause(r, not paused),
    )


def _button(run: Run, label: str, icon: str, help: str, act: Callable[[Run], Any]) -> None:
    icon = {"stop": "stop", "resume": "restart_alt"}.get(icon, icon)
    if act_button(label, icon=f":material/{icon}:", help=help, key=f"{label}-{run.id}"):
        _act(run, act)


def _confirmed(run: Run, label: str, icon: str, text: str, act: Callable[[Run], Any]) -> None:
    """A popover rather than a dialog: it stays open while the fragment around it ticks."""
    with st.popover(label, icon=f":material/{icon}:", key=f"confirm-{label}-{run.id}"):
        st.markdown(text)
        if act_button(f"Yes, {label.lower()}", type="primary", key=f"{label}-{run.id}"):
            _act(run, act)


def _act(run: Run, act: Callable[[Run], Any]) -> None:
    try:
        act(run)
    except FineGatesError as error:
        st.error(plain(str(error)))
        return
    st.rerun()


def _seconds_stopping(run: Run) -> float:
    try:
        return time.time() - (run.path / STOP_FILE).stat().st_mtime
    except OSError:
        return 0.0
