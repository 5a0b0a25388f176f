"""Buttons that change something, and those of a run: pause, stop, resume, delete.

In read-only mode they are shown, disabled, and say why. Only a look: `finegates.files.read_only` is
asked again by whatever acts.
"""

from collections.abc import Callable
from typing import Any

import streamlit as st

from app.reading.one_run import row_of, stopping_for_s
from app.text import escape_markdown
from app.widgets.opening import still_there
from finegates.errors import FineGatesError
from finegates.files.read_only import WHY, read_only
from finegates.jobs import control as jobs
from finegates.runs.bin import delete_run
from finegates.runs.folder import BROKEN, Run
from finegates.runs.status import RESUMABLE_STATES

FORCE_AFTER_S = 8
"""Seconds that a run may take to stop before force is offered."""


def say_read_only() -> None:
    """One line above every page, in read-only mode."""
    if read_only():
        st.info(WHY, icon=":material/visibility:")


def disabled_if_read_only(**options: Any) -> dict[str, Any]:
    """Options of a widget that acts; in read-only mode it is disabled whatever they say."""
    return options | ({"disabled": True, "help": WHY} if read_only() else {})


def change_button(label: str, **options: Any) -> bool:
    """`st.button` for what starts, stops, changes or deletes."""
    return st.button(label, **disabled_if_read_only(**options))


def run_buttons(run: Run, state: str, *, can_delete: bool = False) -> None:
    """What can be done with a run in this state, side by side."""
    with st.container(horizontal=True, gap="small", width="content"):
        if state in ("running", "paused"):
            _pause_button(run, state)
        if state in ("queued", "starting", "running", "paused"):
            _button(run, "Stop", "stop", "Finishes the step, saves a checkpoint and ends.",
                    jobs.request_stop)  # fmt: skip
        if state == "stopping" and stopping_for_s(run) > FORCE_AFTER_S:
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
                f"Moves {escape_markdown(row_of(run)['name'])} to the bin, from where it can be "
                f"restored.  \n`{run.id}`",
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
    if change_button(label, icon=f":material/{icon}:", help=help, key=f"{label}-{run.id}"):
        _act(run, act)


def _confirmed(run: Run, label: str, icon: str, text: str, act: Callable[[Run], Any]) -> None:
    """A popover rather than a dialog: it stays open while the fragment around it ticks."""
    with st.popover(label, icon=f":material/{icon}:", key=f"confirm-{label}-{run.id}"):
        st.markdown(text)
        if change_button(f"Yes, {label.lower()}", type="primary", key=f"{label}-{run.id}"):
            _act(run, act)


def _act(run: Run, act: Callable[[Run], Any]) -> None:
    if not still_there(run):
        return
    try:
        act(run)
    except FineGatesError as error:
        st.error(escape_markdown(str(error)))
        return
    st.rerun()
