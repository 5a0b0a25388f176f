"""Runs as they train. The view ticks while one of them is at work and settles when all are over."""

import streamlit as st

from app.live.choice import choose_focus, choose_runs
from app.live.curves import draw_curves
from app.live.gates import draw_gates
from app.live.header import draw_broken, draw_header, draw_log, draw_numbers, draw_tiles
from app.live.job import draw_job
from app.live.ridge import draw_ridge
from app.live.watched import Watched, watch
from app.reading.one_run import row_of
from app.reading.runs import runs_folder, start_waiting
from app.rows import Row, is_active
from app.words import no_gates
from finegates.runs.folder import Run

REFRESH_S = 2

folder = runs_folder()
with st.container(horizontal=True, vertical_alignment="bottom"):
    chosen = choose_runs(folder)
    updates = st.toggle(
        "Live updates",
        value=True,
        key="updates",
        bind="query-params",
        help="Off freezes the charts, so that you can look at them in peace. The training goes on.",
    )
focus = choose_focus(folder, chosen)


def rows_of(runs: list[str]) -> list[Row]:
    return [row_of(Run(folder / run)) for run in runs]


def draw_runs(rows: list[Row], watched: dict[str, Watched]) -> None:
    alone = len(rows) == 1
    with st.container(border=not alone, gap="small"):
        for row in rows:
            if row["run"] in watched:
                draw_header(watched[row["run"]], alone)
            else:
                draw_broken(Run(folder / row["run"]), row["reason"])
    begun = [each for each in watched.values() if each.has_begun]
    if watched and not alone:
        draw_numbers(list(watched.values()))
    elif begun:
        draw_tiles(begun[0].run, begun[0].status)
    if begun:
        draw_curves(begun)


def draw_focus(one: Watched, alone: bool) -> None:
    if one.has_begun and one.has_gates:
        frozen = not (updates and one.status.is_live)
        draw_gates(one.run, one.status, one.feed, choose_step=frozen)
        draw_ridge(one.feed)
    elif not (one.has_gates or alone):
        st.caption(no_gates(one.run.spec.method))
    draw_job(one.run)
    draw_log(one.run, expanded=one.status.state in ("failed", "lost"))


def view(runs: list[str], focus: str, was_active: bool) -> None:
    rows = rows_of(runs)
    if was_active != any(map(is_active, rows)):
        st.rerun()
    if any(map(is_active, rows)):
        start_waiting(folder)
    watched = watch(folder, rows, focus, refresh=updates)
    draw_runs(rows, watched)
    if focus in watched:
        draw_focus(watched[focus], alone=len(rows) == 1)


if chosen:
    active = any(map(is_active, rows_of(chosen)))
    st.fragment(view, run_every=REFRESH_S if updates and active else None)(chosen, focus, active)
else:
    with st.container(border=True):
        st.markdown("**Choose a run** in the box above.")
