"""Accuracy against sparsity: one group of runs, or all of them, point by point as they finish."""

import streamlit as st

from app import loaders
from app.group_parts import draw_missing, draw_progress, draw_runs, rows_of
from app.opening import leave_if_clicked, open_if_clicked
from app.picker import no_runs, pick_group, tell_unknown_group
from app.point_table import draw_points
from app.tradeoff_frames import comparisons
from app.tradeoff_parts import choose_axis, choose_task, draw_chart
from finegates.aggregate import ROUNDED
from finegates.groups import Group
from finegates.status import ACTIVE_STATES

REFRESH_S = 4

open_if_clicked()
folder = loaders.runs_folder()


def is_active(row: dict) -> bool:
    return row["status"] in ACTIVE_STATES


@st.fragment(run_every=REFRESH_S if any(map(is_active, loaders.run_rows(folder))) else None)
def view(name: str | None, was_active: bool) -> None:
    leave_if_clicked()
    all_rows = loaders.run_rows(folder)
    if was_active and not any(map(is_active, all_rows)):
        st.rerun()
    if any(row["status"] == "queued" for row in all_rows):
        loaders.wake_queue(folder)
    group = next((g for g in loaders.groups(folder) if g.name == name), None)
    if group is not None and group.problem:
        st.error(group.problem, icon=":material/broken_image:")
        return
    rows = all_rows if group is None else rows_of(group, all_rows)
    if group is not None:
        draw_progress(group, folder)
    draw_points_of(group, rows, all_rows)
    if group is not None:
        draw_runs(group, rows)


def draw_points_of(group: Group | None, rows: list[dict], all_rows: list[dict]) -> None:
    found = comparisons(loaders.points(folder, all_rows, group))
    if not any(point.runs for points in found.values() for point in points):
        st.info(
            "The first point comes with the first finished run.", icon=":material/hourglass_empty:"
        )
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        points = found[choose_task(found)]
        axis = choose_axis()
        cheap_curve = any(p.kind == ROUNDED for p in points) and st.toggle(
            "Cheap curve", value=True, key="cheap", bind="query-params",
            help="One run's gates, or a dense run's weights by their size, rounded to several "
            "budgets without training for them: dashed, and apart from one training for each "
            "target.",
        )  # fmt: skip
    draw_chart(points, rows, axis, cheap_curve=cheap_curve)
    draw_missing(points)
    draw_points(points, group.name if group else "all-runs")


rows = loaders.run_rows(folder)
groups = [group.name for group in loaders.groups(folder)]
tell_unknown_group(groups)
with st.container(horizontal=True, vertical_alignment="bottom"):
    st.title("Accuracy vs sparsity", width="stretch")
    name = pick_group(groups) if rows or groups else None
    st.page_link("app_pages/new_sweep.py", label="New sweep", icon=":material/add:")
if rows or groups:
    view(name, any(map(is_active, rows)))
else:
    no_runs()
