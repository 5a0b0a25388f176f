"""Every run in a table, what can be done with them, and what accuracy is left at which sparsity."""

from datetime import datetime
from functools import partial

import streamlit as st

from app import places
from app.charts.tradeoff import SMALL_HEIGHT
from app.reading.results import medians
from app.reading.runs import brings_news, run_rows, runs_folder
from app.rows import Row
from app.run_table.columns import tags_config
from app.run_table.table import column_config, table
from app.runs.bin import draw_bin
from app.runs.notes import draw_editor
from app.runs.run_files import runs_csv, runs_json
from app.runs.selection import rows_ticked, ticked, version
from app.runs.selection_actions import draw_ticked
from app.runs.view import GATES_FIRST, View, all_tags, choose_view
from app.tradeoff.chart import draw_chart, draw_reading
from app.tradeoff.choice import Look, choose_axis, choose_task
from app.tradeoff.frames import comparisons
from app.widgets.opening import leave_if_clicked, open_if_clicked, open_run
from app.widgets.picker import ALL_RUNS, no_runs
from app.widgets.ticks import News, follow
from app.words import NOTHING, STATES
from finegates.runs.folder import BROKEN
from finegates.runs.names import unique_names

FEW_ROWS, MAX_TABLE_HEIGHT = 11, 430
MOST_BROKEN = 3
EDIT, OPEN_BOX = "edit_notes", "open_a_run"

open_if_clicked()
folder = runs_folder()
rows = run_rows(folder)


def draw_states(rows: list[Row]) -> None:
    counts = {s: sum(row["status"] == s for row in rows) for s in STATES}
    for state, number in counts.items():
        if number:
            look = STATES[state]
            icon = f":material/{look.icon}:"
            st.badge(f"{number} {state}", icon=icon, color=look.color, help=look.meaning)


def draw_table(shown: list[Row], rows: list[Row], chosen: list[str], view: View) -> None:
    ids = [row["run"] for row in shown]
    key = f"runs_table_{version()}_{hash((*ids, *view.columns))}"
    st.dataframe(
        table(shown, view.columns),
        key=key,
        column_config=column_config(ids, open_run) | {"tags": tags_config(all_tags(rows))},
        hide_index=True,
        height="content" if len(shown) <= FEW_ROWS else MAX_TABLE_HEIGHT,
        on_select=partial(rows_ticked, key, ids),
        selection_mode="multi-row",
        placeholder=NOTHING,
        selection_default={"selection": {"rows": [ids.index(r) for r in chosen if r in ids]}},
        alt=f"{len(shown)} runs, sorted by {view.sort or GATES_FIRST}",
    )


def draw_open(shown: list[Row]) -> None:
    """A run by typing its name: a cell's button can't be pressed without a mouse."""
    names = unique_names(shown)
    st.session_state[OPEN_BOX] = None
    st.selectbox(
        "Open a run", list(names), index=None, key=OPEN_BOX, format_func=names.__getitem__,
        label_visibility="collapsed", placeholder="Open a run: type its name", width=280,
        on_change=open_typed,
    )  # fmt: skip


def open_typed() -> None:
    if run := st.session_state[OPEN_BOX]:
        open_run(run)


def draw_below(shown: list[Row], rows: list[Row]) -> None:
    """How many rows there are, the switch to editing, and the downloads."""
    with st.container(horizontal=True, vertical_alignment="center"):
        few = f"{len(shown):,} of " if len(shown) < len(rows) else ""
        st.caption(
            f"{few}{len(rows):,} run{'s' * (len(rows) != 1)}. Tick rows to compare, tag, group or "
            "delete them.",
            width="stretch",
        )
        st.toggle(
            "Edit names, notes and tags", key=EDIT, help="In the table. It stands still meanwhile.",
        )  # fmt: skip
        for kind, make in (("CSV", runs_csv), ("JSON", runs_json)):
            st.download_button(
                kind, partial(make, shown), file_name=f"runs-{datetime.now():%Y%m%d-%H%M}."
                f"{kind.lower()}", mime="text/csv" if kind == "CSV" else "application/json",
                icon=":material/download:", on_click="ignore", key=f"download_{kind}",
                help=f"The {len(shown)} runs that are shown, with every field, as {kind}.",
            )  # fmt: skip


def draw_broken(shown: list[Row]) -> None:
    """Why runs can't be read, in words: the column that says so is far to the right."""
    broken = [row["reason"] for row in shown if row["status"] == BROKEN]
    for reason in broken[:MOST_BROKEN]:
        st.text(f"⚠ {reason}")
    if len(broken) > MOST_BROKEN:
        st.caption(f"And {len(broken) - MOST_BROKEN} more; see “Why it ended” in the table.")


def draw_tradeoff() -> None:
    leave_if_clicked()
    rows = run_rows(folder)
    found = comparisons(medians(folder, rows))
    st.subheader("Score against sparsity", help="Every finished run of one task is a point.")
    if not found:
        st.caption("The curve starts with the first finished run and grows with each one.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        task = choose_task(found)
        axis = choose_axis()
        st.page_link(
            places.TRADEOFF, label="Larger, with its table", icon=":material/show_chart:",
            query_params={"group": ALL_RUNS, "tasks": task, "axis": axis},
        )  # fmt: skip
    draw_chart(found[task], rows, Look(axis), height=SMALL_HEIGHT)
    draw_reading(Look(axis))


def is_editing() -> bool:
    return st.session_state.get(EDIT, False)


def draw_runs(was_editing: bool) -> None:
    leave_if_clicked()
    if was_editing != is_editing():
        st.rerun()
    rows = run_rows(folder)
    with st.container(horizontal=True, vertical_alignment="center"):
        chosen = choose_view(rows)
        shown = chosen.rows(rows)
        if shown and not is_editing():
            draw_open(shown)
        draw_states(rows)
    ticks = ticked(row["run"] for row in rows)
    if not shown:
        st.info("No run matches the filter.", icon=":material/filter_alt_off:")
    elif is_editing():
        draw_editor(shown, rows, folder)
    else:
        draw_table(shown, rows, ticks, chosen)
    if ticks and not is_editing():
        by_id = {row["run"]: row for row in rows}
        hidden = {*ticks} - {row["run"] for row in shown}
        draw_ticked([by_id[run] for run in ticks], rows, len(hidden), folder)
    draw_below(shown, rows)
    draw_broken(shown)


def news() -> News:
    """Of runs that come, go on and end; while somebody types in the table it stands still."""
    rows = run_rows(folder)
    at_work = tuple((r["run"], r["status"], r["step"], r["name"], *r["tags"]) for r in rows)
    ended = tuple(row["run"] for row in rows if row["status"] == "finished")
    return News(
        parts={"runs": at_work, "points": ended},
        whole=(is_editing(), *(row["run"] for row in rows)),
        goes_on=brings_news(folder, rows) and not is_editing(),
    )


with st.container(horizontal=True, vertical_alignment="center"):
    st.title("Runs", width="stretch")
    draw_bin(folder)
    st.page_link(places.NEW_RUN, label="New run", icon=":material/add:")
if rows:
    follow(news, {"runs": partial(draw_runs, is_editing()), "points": draw_tradeoff})
else:
    no_runs()
