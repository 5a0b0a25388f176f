"""A run's job in Slurm, on the Live page: its number, node and state, and the script it got."""

import streamlit as st

from app import words
from app.reading.one_run import job_of, launch_of
from app.text import escape_markdown
from app.widgets.plain_code import plain_code
from finegates.errors import RunError
from finegates.runs.folder import Run

MEANINGS = {
    "PENDING": "waits in Slurm's queue",
    "RUNNING": "runs",
    "COMPLETING": "is ending",
    "": "is not in Slurm's queue",
}


def draw_job(run: Run) -> None:
    """Nothing for a run of this machine."""
    if (job := job_of(run)) is None:
        return
    meaning = f"The job {MEANINGS[job.word]}." if job.word in MEANINGS else None
    with st.container(border=True):
        columns = st.columns(3)
        columns[0].metric("Slurm job", job.job_id or words.NOTHING)
        columns[1].metric("Node", job.node or words.NOTHING)
        columns[2].metric("In the queue", job.word or words.NOTHING, help=meaning)
        if job.word == "PENDING" and job.reason:
            st.caption(f"It {MEANINGS['PENDING']}; Slurm's reason: {escape_markdown(job.reason)}.")
        _draw_script(run)


def _draw_script(run: Run) -> None:
    try:
        script = launch_of(run).sbatch
    except RunError as error:
        st.caption(escape_markdown(str(error)))
        return
    with st.expander("sbatch script", icon=":material/description:"):
        plain_code(script or "Not submitted yet.", "job-script", wrap=False)
