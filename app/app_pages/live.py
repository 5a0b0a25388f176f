"""One run as it trains. The view ticks while the run is at work and settles when it ends."""

import streamlit as st

from app import loaders
from app.actions import run_buttons
from app.gate_parts import draw_gates
from app.live_parts import draw_curves, draw_header, draw_log, draw_tiles, has_gates
from app.picker import pick_run
from app.words import STATES
from finegates.errors import FineGatesError
from finegates.runs import Run
from finegates.status import Status

REFRESH_S = 2
STARTING = {
    "queued": "The run starts as soon as its device is free. One run at a time trains on a device.",
    "starting": "The worker loads model and data. The first lines come within seconds.",
}

folder = loaders.runs_folder()
with st.container(horizontal=True, vertical_alignment="bottom"):
    run = pick_run(folder, st)
    updates = st.toggle(
        "Live updates",
        value=True,
        key="updates",
        bind="query-params",
        help="Off freezes the charts, so that you can look at them in peace. The training goes on.",
    )


def is_active(status: Status | None) -> bool:
    return status is not None and not status.is_over


def draw_broken(run: Run) -> None:
    try:
        run.status(), run.spec
    except FineGatesError as error:
        st.error(f"This run can't be read: {error}", icon=":material/broken_image:")
        run_buttons(run, "broken", can_delete=True)


@st.fragment(run_every=REFRESH_S if updates and is_active(loaders.run_status(run)) else None)
def view(run: Run, was_active: bool) -> None:
    status = loaders.run_status(run)
    if was_active != is_active(status):
        st.rerun()
    row = run.row()
    if status is None or row["status"] not in STATES or row["status"] == "broken":
        draw_broken(run)
        return
    if status.state == "queued":
        loaders.wake_queue(folder)
    draw_header(run, status)
    feed = loaders.feed(run, refresh=updates or not was_active)
    if feed.train.empty and feed.histograms is None:
        if status.state in STARTING:
            st.info(STARTING[status.state], icon=f":material/{STATES[status.state].icon}:")
        elif not was_active:
            st.info("The run ended before its first step; its log may say why.")
    else:
        draw_tiles(run, status)
        draw_curves(run, status, feed)
        if has_gates(run):
            draw_gates(run, status, feed, choose_step=not (updates and was_active))
    draw_log(run, expanded=status.state in ("failed", "lost"))


view(run, is_active(loaders.run_status(run)))
