"""Accuracy against sparsity: groups of runs, or all of them, point by point as they finish."""

import streamlit as st

from app import places
from app.charts.tradeoff import HEIGHT, PANEL_HEIGHT, PANEL_WIDTH, WIDTH
from app.reading.results import all_groups, costs_of, medians
from app.reading.runs import run_rows, runs_folder, start_waiting
from app.rows import Row, is_active
from app.text import escape_markdown
from app.tradeoff.chart import draw_chart, draw_reading
from app.tradeoff.choice import Look, choose_look, choose_methods, choose_tasks
from app.tradeoff.frames import comparisons, shown_points
from app.tradeoff.group import draw_missing, draw_progress, draw_runs, rows_of
from app.tradeoff.points import draw_points
from app.widgets.opening import leave_if_clicked, open_if_clicked
from app.widgets.picker import no_runs, pick_groups, say_unknown_group
from app.widgets.report_button import runs_report_button
from finegates.groups.store import Group
from finegates.results.points import Point
from finegates.runs.folder import BROKEN, Run

REFRESH_S = 4

open_if_clicked()
folder = runs_folder()


@st.fragment(run_every=REFRESH_S if any(map(is_active, run_rows(folder))) else None)
def view(names: list[str], was_active: bool) -> None:
    leave_if_clicked()
    all_rows = run_rows(folder)
    if was_active and not any(map(is_active, all_rows)):
        st.rerun()
    if any(map(is_active, all_rows)):
        start_waiting(folder)
    groups = [group for group in all_groups(folder) if group.name in names]
    for group in groups:
        if group.problem:
            st.error(escape_markdown(group.problem), icon=":material/broken_image:")
        else:
            draw_progress(group, folder)
    sound = [group for group in groups if not group.problem]
    if groups and not sound:
        return
    draw_points_of(sound, all_rows)
    if sound:
        ours = rows_of(sound, all_rows)
        runs_report_button([Run(folder / row["run"]) for row in ours if row["status"] != BROKEN])
        draw_runs(sound, ours)


def draw_points_of(groups: list[Group], all_rows: list[Row]) -> None:
    points = medians(folder, all_rows, groups, thresholds=True)
    if not any(point.runs for point in points):
        st.info(
            "The first point comes with the first finished run.", icon=":material/hourglass_empty:"
        )
        return
    found = comparisons(points)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        tasks = choose_tasks(found)
        methods = choose_methods(points)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        look = choose_look()
    panels = {task: shown_points(found[task], look.kinds, methods) for task in tasks}
    panels = {task: of_task for task, of_task in panels.items() if of_task}
    draw_panels(panels, rows_of(groups, all_rows), look)
    if shown := [point for of_task in panels.values() for point in of_task]:
        draw_missing(shown)
        draw_points(shown, "-".join(group.name for group in groups) or "all-runs")


def draw_panels(panels: dict[str, list[Point]], rows: list[Row], look: Look) -> None:
    if not panels:
        st.info("No finished run has these recipes and curves.", icon=":material/filter_alt_off:")
        return
    runs = [run for points in panels.values() for point in points for run in point.runs]
    costs = costs_of(folder, runs)
    columns = st.columns(min(len(panels), 2))
    for number, (task, points) in enumerate(panels.items()):
        with columns[number % len(columns)]:
            if len(panels) > 1:
                st.markdown(f"**{task}**")
            draw_chart(
                points, rows, look, costs, key=f"tradeoff_{number}",
                height=HEIGHT if len(panels) == 1 else PANEL_HEIGHT,
                width=WIDTH if len(panels) == 1 else PANEL_WIDTH,
            )  # fmt: skip
    draw_reading(look)


rows = run_rows(folder)
group_names = [group.name for group in all_groups(folder)]
say_unknown_group(group_names)
with st.container(horizontal=True, vertical_alignment="bottom"):
    st.title("Accuracy vs sparsity", width="stretch")
    names = pick_groups(group_names) if rows or group_names else []
    st.page_link(places.NEW_SWEEP, label="New sweep", icon=":material/add:")
if rows or group_names:
    view(names, any(map(is_active, rows)))
else:
    no_runs()
