"""Every run in a table, and the accuracy that is left at which sparsity."""

from functools import partial

import streamlit as st

from app import loaders
from app.actions import run_buttons
from app.charts.tradeoff import SMALL_HEIGHT
from app.opening import (
    LIVE,
    leave_if_clicked,
    open_clicked,
    open_if_clicked,
    remember_shown,
    shown_run,
)
from app.picker import ALL_RUNS, no_runs
from app.run_table import column_config, matching, table
from app.tradeoff_frames import comparisons
from app.tradeoff_parts import choose_axis, choose_task, draw_chart
from app.words import NOTHING, STATES
from finegates.runs import Run
from finegates.status import ACTIVE_STATES

REFRESH_S = 2
FEW_ROWS, MAX_TABLE_HEIGHT = 11, 430
DIMENSIONS, TRADEOFF = "app_pages/dimensions.py", "app_pages/tradeoff.py"

open_if_clicked()
folder = loaders.runs_folder()
rows = loaders.run_rows(folder)


def is_active(row: dict) -> bool:
    return row["status"] in ACTIVE_STATES


def row_ticked(key: str) -> None:
    """Keeps the ticked run by name: its place in the table moves as runs are added."""
    ticked = st.session_state[key].selection.rows
    st.session_state["ticked_run"] = shown_run(ticked[0]) if ticked else None


def draw_table(rows: list[dict]) -> None:
    shown = [row["run"] for row in rows]
    remember_shown(shown)
    chosen = st.session_state.get("ticked_run")
    key = f"runs_table_{hash(tuple(shown))}"
    place = [shown.index(chosen)] if chosen in shown else []
    st.dataframe(
        table(rows),
        key=key,
        column_config=column_config(open_clicked),
        hide_index=True,
        height="content" if len(rows) <= FEW_ROWS else MAX_TABLE_HEIGHT,
        on_select=partial(row_ticked, key),
        selection_mode="single-row",
        placeholder=NOTHING,
        selection_default={"selection": {"rows": place}},
        alt=f"{len(rows)} runs, newest first",
    )
    if place:
        draw_actions(rows[place[0]])


def draw_actions(row: dict) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        look = STATES[row["status"]]
        st.markdown(f":material/{look.icon}: `{row['run']}` {look.meaning}", width="stretch")
        link = {"run": row["run"]}
        st.page_link(LIVE, label="Live", icon=":material/monitoring:", query_params=link)
        st.page_link(DIMENSIONS, label="Dimensions", icon=":material/grid_on:", query_params=link)
        run_buttons(Run(folder / row["run"]), row["status"], can_delete=True)
    if row["reason"]:
        st.caption(row["reason"])


def draw_tradeoff(rows: list[dict]) -> None:
    found = comparisons(loaders.points(folder, rows))
    st.subheader("Score against sparsity", help="Every finished run of one task is a point.")
    if not found:
        st.caption("The curve starts with the first finished run and grows with each one.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        task = choose_task(found)
        axis = choose_axis()
        st.page_link(
            TRADEOFF, label="Larger, with its table", icon=":material/show_chart:",
            query_params={"group": ALL_RUNS, "task": task, "axis": axis},
        )  # fmt: skip
    draw_chart(found[task], rows, axis, cheap_curve=False, height=SMALL_HEIGHT)


@st.fragment(run_every=REFRESH_S if any(map(is_active, rows)) else None)
def view(was_active: bool) -> None:
    leave_if_clicked()
    rows = loaders.run_rows(folder)
    if any(row["status"] == "queued" for row in rows):
        loaders.wake_queue(folder)
    if was_active and not any(map(is_active, rows)):
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        words = st.text_input(
            "Filter", key="filter", bind="query-params", type="search", live=True, width=340,
            placeholder="Filter: task, recipe, model, state …", label_visibility="collapsed",
        )  # fmt: skip
        counts = {s: sum(row["status"] == s for row in rows) for s in STATES}
        for state, number in counts.items():
            if number:
                look = STATES[state]
                icon = f":material/{look.icon}:"
                st.badge(f"{number} {state}", icon=icon, color=look.color, help=look.meaning)
    shown = matching(rows, words or "")
    if shown:
        draw_table(shown)
    else:
        st.info(f"No run matches “{words}”.", icon=":material/filter_alt_off:")
    draw_tradeoff(rows)


with st.container(horizontal=True, vertical_alignment="center"):
    st.title("Runs", width="stretch")
    st.page_link("app_pages/new_run.py", label="New run", icon=":material/add:")
if rows:
    view(any(map(is_active, rows)))
else:
    no_runs()
