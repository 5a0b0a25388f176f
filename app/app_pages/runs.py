"""Every run in a table, and the accuracy that is left at which sparsity."""

import time
from functools import partial

import streamlit as st

from app import loaders
from app.actions import run_buttons
from app.charts.tradeoff import tradeoff
from app.picker import no_runs
from app.run_table import column_config, finished, matching, table
from app.words import AXES, STATES, metric_name
from finegates.runs import Run
from finegates.status import ACTIVE_STATES

REFRESH_S = 2
TICK_ON_ITS_WAY_S = 0.3
FEW_ROWS, MAX_TABLE_HEIGHT = 11, 430
LIVE, DIMENSIONS = "app_pages/live.py", "app_pages/dimensions.py"

if run_to_open := st.session_state.pop("opening", None):
    # Nothing ticks in this run, but the browser may have sent a tick already, and Streamlit 1.67
    # merges a tick into a page switch that waits: a blank page in one of six tries (2026-11).
    time.sleep(TICK_ON_ITS_WAY_S)
    st.switch_page(LIVE, query_params={"run": run_to_open})

folder = loaders.runs_folder()
rows = loaders.run_rows(folder)


def is_active(row: dict) -> bool:
    return row["status"] in ACTIVE_STATES


def open_clicked() -> None:
    shown = st.session_state["runs_shown"]
    st.session_state["opening"] = shown[st.session_state["open_run"].row]


def row_ticked(key: str) -> None:
    """Keeps the ticked run by name: its place in the table moves as runs are added."""
    ticked = st.session_state[key].selection.rows
    st.session_state["ticked_run"] = st.session_state["runs_shown"][ticked[0]] if ticked else None


def draw_table(rows: list[dict]) -> None:
    shown = [row["run"] for row in rows]
    st.session_state["runs_shown"] = shown
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
        placeholder="",
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
    runs = finished(rows)
    st.subheader("Score against sparsity", help="Every finished run of one task is a point.")
    if runs.empty:
        st.caption("The curve starts with the first finished run and grows with each one.")
        return
    groups = list(runs.groupby(["task", "metric"]).size().sort_values(ascending=False).index)
    names = [f"{task}, {metric}" for task, metric in groups]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Task", names, key="task", bind="query-params", width=260)
        axis = st.segmented_control(
            "Across", list(AXES), default="removed", key="axis", bind="query-params",
            required=True, help="  \n".join(f"**{k}**: {text}" for k, (_, _, text) in AXES.items()),
        )  # fmt: skip
    task, metric = groups[names.index(name)]
    group = runs[(runs["task"] == task) & (runs["metric"] == metric)]
    st.altair_chart(
        tradeoff(group, axis),
        key="tradeoff",
        alt=f"{metric_name(metric)} of {len(group)} finished runs on {task} against {axis}",
    )
    st.caption(
        "Up and to the right is better: a higher score with more removed. Each point is a run, "
        "each line goes through the medians over seeds. " + AXES[axis][2]
    )


@st.fragment(run_every=REFRESH_S if any(map(is_active, rows)) else None)
def view(was_active: bool) -> None:
    if "opening" in st.session_state:
        st.rerun()
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
