"""Runs as they train. Parts are drawn again when there is news; where none can come, never."""

from collections.abc import Hashable

import streamlit as st

from app.live.choice import choose_runs
from app.live.curves import draw_curves
from app.live.gates import draw_gates
from app.live.header import draw_broken, draw_header, draw_log, draw_numbers, draw_tiles
from app.live.job import draw_job
from app.live.ridge import draw_ridge
from app.live.watched import Watched, watch
from app.reading.curves import logged
from app.reading.one_run import row_of
from app.reading.runs import brings_news, runs_folder
from app.rows import Row
from app.widgets.run_state import chosen_run
from app.widgets.ticks import News, follow
from app.words import no_gates
from finegates.runs.folder import Run

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
focus = chosen_run()  # of this one gates and log are shown


def rows_of(runs: list[str]) -> list[Row]:
    return [row_of(Run(folder / run)) for run in runs]


def watched_now(focus: str = "") -> dict[str, Watched]:
    return watch(folder, rows_of(chosen), focus, refresh=updates)


def draw_runs() -> None:
    rows, watched = rows_of(chosen), watched_now()
    alone = len(rows) == 1
    with st.container(border=not alone, gap="small"):
        for row in rows:
            if row["run"] in watched:
                draw_header(watched[row["run"]], alone)
            else:
                draw_broken(Run(folder / row["run"]), row["reason"])
    if watched and not alone:
        draw_numbers(list(watched.values()))
    elif begun := begun_of(watched):
        draw_tiles(begun[0].run, begun[0].status)


def begun_of(watched: dict[str, Watched]) -> list[Watched]:
    return [each for each in watched.values() if each.has_begun]


def draw_all_curves() -> None:
    if begun := begun_of(watched_now()):
        draw_curves(begun)


def draw_focus() -> None:
    if (one := watched_now(focus).get(focus)) is None:
        return
    if one.has_begun and one.has_gates:
        frozen = not (updates and one.status.is_live)
        draw_gates(one.run, one.status, one.feed, choose_step=frozen)
        draw_ridge(one.feed)
    elif not one.has_gates and len(chosen) > 1:
        st.caption(no_gates(one.run.spec.method))


def draw_end() -> None:
    if (one := watched_now().get(focus)) is not None:
        draw_job(one.run)
        draw_log(one.run, expanded=one.status.state in ("failed", "lost"))


def news() -> News:
    """What these runs have logged; a paused one brings nothing until somebody continues it."""
    rows = rows_of(chosen)
    marks: dict[str, Hashable] = {
        row["run"]: (row["step"], logged(Run(folder / row["run"]))) for row in rows
    }
    every, one = tuple(marks.values()), marks[focus]
    return News(
        parts={"runs": every, "curves": every, "gates": one, "end": one},
        whole=tuple((row["run"], row["status"]) for row in rows),
        goes_on=brings_news(folder, rows) and updates,
    )


if chosen:
    follow(
        news,
        {"runs": draw_runs, "curves": draw_all_curves, "gates": draw_focus, "end": draw_end},
    )
else:
    with st.container(border=True):
        st.markdown("**Choose a run** in the box above.")
