"""Accuracy against sparsity: groups of runs, or all of them, point by point as they finish."""

import math
from functools import partial

import streamlit as st

from app import places
from app.charts.tradeoff import HEIGHT, PANEL_HEIGHT, PANEL_WIDTH, WIDTH
from app.reading.curves import curves_of
from app.reading.results import (
    all_groups,
    costs_of,
    curve_marks,
    curves_at_work,
    first_group,
    medians,
)
from app.reading.runs import brings_news, run_rows, runs_folder
from app.rows import Row
from app.text import escape_markdown
from app.tradeoff.at_work import draw_curves_at_work, say_hidden
from app.tradeoff.chart import draw_chart, draw_reading
from app.tradeoff.choice import Look, choose_look, choose_methods, choose_tasks
from app.tradeoff.frames import comparisons, shown_points
from app.tradeoff.group import draw_at_work, draw_missing, draw_progress, draw_runs, rows_of
from app.tradeoff.growing import growing, is_alike, is_growing, with_growing
from app.tradeoff.partial import partial_points
from app.tradeoff.points import draw_points
from app.widgets.opening import leave_if_clicked, open_if_clicked
from app.widgets.picker import ALL_RUNS, no_runs, pick_groups, say_unknown_group
from app.widgets.report_button import runs_report_button
from app.widgets.task_bar import CURVE
from app.widgets.ticks import News, follow
from finegates.groups.store import Group
from finegates.results.points import Point
from finegates.runs.folder import BROKEN, Run

open_if_clicked()
folder = runs_folder()


def view(names: list[str]) -> None:
    leave_if_clicked()
    all_rows = run_rows(folder)
    groups = [group for group in all_groups(folder) if group.name in names]
    for group in groups:
        if group.problem:
            st.error(escape_markdown(group.problem), icon=":material/broken_image:")
        else:
            draw_progress(group, folder)
    sound = [group for group in groups if not group.problem]
    if groups and not sound:
        return
    ours = rows_of(sound, all_rows)
    draw_at_work(ours)
    draw_curves_at_work(folder, ours)
    draw_points_of(sound, all_rows)
    if sound:
        runs_report_button([Run(folder / row["run"]) for row in ours if row["status"] != BROKEN])
        draw_runs(sound, ours)


def news() -> News:
    """Runs that come, go on and end; a paused one brings nothing until somebody continues it."""
    all_rows = run_rows(folder)
    at_work = curves_at_work(folder, all_rows, CURVE)
    marks = tuple((row["run"], row["status"], row["step"]) for row in all_rows)
    return News(
        parts={"points": (marks, curve_marks(folder, at_work))},
        whole=(
            tuple(group.name for group in all_groups(folder)),
            tuple((row["run"], row["status"]) for row in all_rows),
            tuple(at_work),
        ),
        goes_on=brings_news(folder, all_rows) or bool(at_work),
    )


def draw_points_of(groups: list[Group], all_rows: list[Row]) -> None:
    ours = rows_of(groups, all_rows)
    points = with_growing(medians(folder, all_rows, groups, thresholds=True), ours)
    if not any(point.runs for point in points) and not any(map(is_growing, ours)):
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
    say_hidden(folder, ours, look)
    panels = {task: shown_points(found[task], look.kinds, methods) for task in tasks}
    panels = {task: of_task for task, of_task in panels.items() if of_task}
    draw_panels(panels, ours, look)
    if shown := [point for of_task in panels.values() for point in of_task]:
        draw_missing(shown)
        draw_points(shown, "-".join(group.name for group in groups) or "all-runs")


def draw_panels(panels: dict[str, list[Point]], rows: list[Row], look: Look) -> None:
    if not panels:
        st.info("No finished run has these recipes and curves.", icon=":material/filter_alt_off:")
        return
    runs = [run for points in panels.values() for point in points for run in point.runs]
    costs = costs_of(folder, runs)
    at_work = {
        task: growing([row for row in rows if any(is_alike(row, p) for p in points)], expected_now)
        for task, points in panels.items()
    }
    on_part = {
        task: partial_points(
            [row for row in rows if any(row["run"] in p.runs for p in points)], costs, look.kinds
        )
        for task, points in panels.items()
    }
    columns = st.columns(min(len(panels), 2))
    for number, (task, points) in enumerate(panels.items()):
        with columns[number % len(columns)]:
            if len(panels) > 1:
                st.markdown(f"**{task}**")
            draw_chart(
                points, rows, look, costs, at_work[task], on_part[task], key=f"tradeoff_{number}",
                height=HEIGHT if len(panels) == 1 else PANEL_HEIGHT,
                width=WIDTH if len(panels) == 1 else PANEL_WIDTH,
            )  # fmt: skip
    draw_reading(
        look, *(any(len(frame) for frame in frames.values()) for frames in (at_work, on_part))
    )


def expected_now(run: str) -> float | None:
    """What the run's gates would remove as they are; None once they are rounded to the target."""
    train, _ = curves_of(Run(folder / run))
    last = train["expected_removed"].iloc[-1] if len(train) else float("nan")
    return None if math.isnan(last) else float(last)


rows = run_rows(folder)
group_names = [group.name for group in all_groups(folder)]
say_unknown_group(group_names)
with st.container(horizontal=True, vertical_alignment="bottom"):
    st.title("Accuracy vs sparsity: Figure 2", width="stretch")
    first = first_group(all_groups(folder), rows) if group_names else ALL_RUNS
    names = pick_groups(group_names, first) if rows or group_names else []
    st.page_link(places.NEW_SWEEP, label="New sweep", icon=":material/add:")
if rows or group_names:
    follow(news, {"points": partial(view, names)})
else:
    no_runs()
