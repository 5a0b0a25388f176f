"""A group of runs on a page: how far it is, what is missing, and what can be done about it."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import streamlit as st

from app import places
from app.reading.results import group_progress
from app.rows import Row
from app.run_table.table import column_config, table
from app.text import escape_markdown
from app.tradeoff.point_frames import missing
from app.widgets.buttons import change_button
from app.widgets.opening import open_run
from app.widgets.plain_code import plain_code
from app.words import NOT_STARTED, NOTHING, STATES, duration
from finegates.errors import FineGatesError, RunError
from finegates.groups import sweep
from finegates.groups.progress import MISSING, GroupProgress
from finegates.groups.store import Group
from finegates.jobs import control as jobs
from finegates.results.points import Point
from finegates.runs.folder import Run
from finegates.runs.status import ACTIVE_STATES, LIVE_STATES

MOST_NAMED, MOST_LINKED = 5, 8
FEW_ROWS, MAX_TABLE_HEIGHT = 8, 320


def rows_of(groups: Sequence[Group], rows: list[Row]) -> list[Row]:
    """The groups' runs, as they stand in the list of all runs; all of them without a group."""
    if not groups:
        return rows
    ours = {run for group in groups for run in group.runs}
    return [row for row in rows if row["run"] in ours]


def draw_progress(group: Group, folder: Path) -> None:
    """How many runs are done, the others by state, the time left, and the buttons."""
    progress = group_progress(group, folder)
    counts, total = Counter(cell.state for cell in progress.cells), len(group.cells)
    with st.container(horizontal=True, vertical_alignment="center"):
        done, left = progress.num_finished, progress.time_left_s
        text = f"{group.name}: **{done}** of {total} runs finished"
        if left is not None and not progress.is_over:
            text += f" · about {duration(left)} left"
        st.progress(done / total, text=text, width=330)
        for state, look in {**STATES, MISSING: NOT_STARTED}.items():
            if counts[state] and state != "finished":
                st.badge(
                    f"{counts[state]} {look.name or state}", icon=f":material/{look.icon}:",
                    color=look.color, help=look.meaning,
                )  # fmt: skip
        st.space("stretch")
        _draw_buttons(group, folder, progress)


def _draw_buttons(group: Group, folder: Path, progress: GroupProgress) -> None:
    if progress.failed and change_button(
        f"Submit the {len(progress.failed)} missing", icon=":material/restart_alt:",
        key=f"submit_missing_{group.name}",
        help="Queues what was never started or was deleted, and resumes what stopped or failed.",
    ):  # fmt: skip
        try:
            sweep.submit_missing(group, folder)
        except FineGatesError as error:
            st.error(escape_markdown(str(error)), icon=":material/error:")
        else:
            st.rerun()
    active = [Run(folder / str(c.cell.run)) for c in progress.in_state(*ACTIVE_STATES)]
    if active:
        with st.popover("Stop all", icon=":material/stop:", key=f"confirm_stop_all_{group.name}"):
            st.markdown(
                f"Stops {len(active)} run{'s' * (len(active) != 1)}: what is at work finishes its "
                "step, saves and ends; what is queued does not start. It can be submitted again."
            )
            if change_button("Yes, stop all", type="primary", key=f"stop_all_{group.name}"):
                stop_all(active)
                st.rerun()


def stop_all(runs: list[Run]) -> None:
    """Asks runs to stop, the last of the queue first, so that none starts meanwhile."""
    for run in reversed(runs):
        with suppress(RunError):  # it has ended by itself
            jobs.request_stop(run)


def draw_at_work(rows: Sequence[Row]) -> None:
    """A link to the Live page of each run at work."""
    at_work = [row for row in rows if row["status"] in LIVE_STATES]
    if not at_work:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("**Live:**", width="content")
        for row in at_work[:MOST_LINKED]:
            st.page_link(
                places.LIVE, label=escape_markdown(row["name"]), icon=":material/monitoring:",
                query_params={"run": row["run"]},
            )  # fmt: skip
        if len(at_work) > MOST_LINKED:
            st.caption(f"and {len(at_work) - MOST_LINKED} more in the table", width="content")


def draw_missing(points: list[Point]) -> None:
    """Which seeds are not there. They are said, never filled."""
    if not (named := missing(points)):
        return
    more = len(named) - MOST_NAMED
    shown = [*named[:MOST_NAMED], *([f"and {more} more, see the table"] if more > 0 else [])]
    st.caption("**Not there yet:** " + " · ".join(shown))


def draw_runs(groups: Sequence[Group], rows: list[Row]) -> None:
    """The groups' runs, each with a button that opens it; failed ones say why."""
    names = ", ".join(group.name for group in groups)
    runs = f"{len(rows)} run{'s' * (len(rows) != 1)}"
    with st.expander(f"The {runs} of {names}", icon=":material/table_rows:"):
        ids = [row["run"] for row in rows]
        st.dataframe(
            table(rows).drop(columns=["model"] if len(groups) == 1 else []),
            key="group_runs", column_config=column_config(ids, open_run), hide_index=True,
            placeholder=NOTHING, height="content" if len(rows) <= FEW_ROWS else MAX_TABLE_HEIGHT,
            alt=f"{runs} of {names}",
        )  # fmt: skip
    with st.expander("The same from a terminal", icon=":material/terminal:"):
        for group in groups:
            plain_code(group.command, f"command-{group.name}")
