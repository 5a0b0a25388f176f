"""What works on a run's model in the background, and what failed of it.

A task outlives its page, and the next page shows it. What is clicked acts on the run that the page
showed then, or on nothing: buttons are named by their run.
"""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from app.reading.one_run import tasks_of
from app.text import escape_markdown
from app.widgets.buttons import change_button
from app.widgets.task_bar import DOING, draw_running
from app.widgets.ticks import draw_every
from finegates.errors import FineGatesError
from finegates.jobs.tasks import DONE, FAILED, RUNNING, Task, forget_task, start_task
from finegates.runs.folder import Run

TICK_S = 1.0
_SEEN = "_tasks_seen"


def at_work(run: Run) -> set[str]:
    """Names of the tasks that run."""
    return {task.name for task in tasks_of(run, DOING) if task.state == RUNNING}


def is_done(run: Run, name: str) -> bool:
    """Whether the last task of this name ended well."""
    return any(task.state == DONE for task in tasks_of(run, (name,)))


def start(run: Run, name: str, arguments: Sequence[str]) -> None:
    """Starts a task, for a callback; why it could not is said by `draw_work`.

    Of a run that was deleted meanwhile nothing is started: what stands above the page says so.
    """
    _start(run, name, [*arguments, "--runs-dir", str(run.path.parent)])


def refuse(run: Run, why: str) -> None:
    """Has `draw_work` say why something could not be done, for a callback."""
    st.session_state[_refusal(run)] = why


def draw_work(run: Run) -> None:
    """What is at work and what failed; looks again each second while anything is at work."""
    if refused := st.session_state.pop(_refusal(run), ""):
        st.error(escape_markdown(refused), icon=":material/error:")
    draw_every(f"tasks-{run.id}", TICK_S if at_work(run) else 0, partial(_draw_tasks, run))


def _draw_tasks(run: Run) -> None:
    """The page is drawn again when something has ended."""
    tasks = tasks_of(run, DOING)
    seen = st.session_state.setdefault(_SEEN, {})
    for task in tasks:
        if task.state == RUNNING:
            draw_running(run, task)
        elif task.state == FAILED:
            _draw_failed(run, task)
    ended = [t for t in tasks if t.state != RUNNING and seen.get((run.id, t.name)) == RUNNING]
    seen.update({(run.id, task.name): task.state for task in tasks})
    if ended:
        st.rerun()


def _draw_failed(run: Run, task: Task) -> None:
    said, again, forget = st.columns([6, 1, 1], vertical_alignment="center")
    why = escape_markdown(f"{DOING[task.name]} failed: {task.reason}")
    said.error(why, icon=":material/error:")
    with again:
        if change_button("Try again", key=f"again-{task.name}-{run.id}", width="stretch"):
            _start(run, task.name, task.arguments)
            st.rerun()
    with forget:
        if change_button("Dismiss", key=f"forget-{task.name}-{run.id}", width="stretch"):
            forget_task(run, task.name)
            st.rerun()


def _start(run: Run, name: str, arguments: Sequence[str]) -> None:
    if not run.path.is_dir():
        return
    try:
        start_task(run, name, arguments)
    except (FineGatesError, OSError) as error:
        refuse(run, str(error))


def _refusal(run: Run) -> str:
    return f"refused-{run.id}"
