"""Short work on a finished run, where it is shown: what it is called, how far it is, its stop."""

import contextlib
import time

import streamlit as st

from app.text import escape_markdown
from app.widgets.buttons import change_button
from app.words import duration
from finegates.errors import RunError
from finegates.gates.cuts import CURVE_POINTS
from finegates.jobs.tasks import Task, forget_task, stop_task
from finegates.runs.folder import Run

SCORE, CURVE, TIME, SAVE = "score", "curve", "time", "save"
DOING = {
    SCORE: "Scoring",
    CURVE: f"Scoring {CURVE_POINTS} cuts",
    TIME: "Timing",
    SAVE: "Saving the smaller model",
}


def draw_running(run: Run, task: Task, name: str = "") -> None:
    """How far a task is, of the run of a name where others are shown too, and a button to stop."""
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.progress(task.fraction or 0.0, text=_how_far(task, name), width="stretch")
        if change_button("Stop", icon=":material/stop:", key=f"stop-{task.name}-{run.id}"):
            with contextlib.suppress(RunError):  # ended, and forgotten by another page
                stop_task(run, task.name)
            forget_task(run, task.name)
            st.rerun()


def _how_far(task: Task, name: str) -> str:
    """For example ``"**Scoring 20 cuts**, scoring cut 3 of 20, about 40 s left"``, as Markdown."""
    told = filter(None, [name, task.doing or "loading the model"])
    words = [f"**{DOING[task.name]}**", *map(escape_markdown, told)]
    if task.seconds_left is None:
        words.append(f"for {duration(max(0.0, time.time() - task.started))} so far")
    else:
        words.append(f"about {duration(task.seconds_left)} left")
    return ", ".join(words)
