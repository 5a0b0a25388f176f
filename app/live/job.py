"""A run's job in Slurm, on the Live page: its number, node and state, and the script it got."""

import streamlit as st

from app import words
from app.text import plain
from finegates.errors import RunError
from finegates.jobs.control import job_info
from finegates.runs.folder import Run
from finegates.runs.launch import read_launch

MEANINGS = {
    "PENDING": "waits in Slurm's queue",
    "RUNNING": "runs",
    "COMPLETING": "is ending",
    "": "is not in Slurm's queue",
}


def draw_job(run: Run) -> None:
    """Nothing for a run of this machine."""
    if (job := job_info(run)) is None:
        return
    meaning = f"The job {MEANINGS[job.word]}." if job.word in MEANINGS else None
    with st.container(border=True):
        columns = st.columns(3)
        columns[0].metric("Slurm job", job.job_id or words.NOTHING)
        columns[1].metric("Node", job.node or words.NOTHING)
        columns[2].metric("In the queue", job.word or words.NOTHING, help=meaning)
        if job.word == "PENDING" and job.reason:
            st.caption(f"It {MEANINGS['PENDING']}; Slurm's reason: {plain(job.reason)}.")
        _draw_script(run)


def _draw_script(run: Run) -> None:
    try:
        script = read_launch(run.path).sbatch
    except RunError as error:
        st.caption(plain(str(error)))
        return
    with st.expander("sbatch script", icon=":material/description:"):
        st.code(script or "Not submitted yet.", language="bash")
