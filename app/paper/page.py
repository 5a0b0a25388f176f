"""The paper's Tables 2 to 5 next to the user's own runs of the same cells."""

import streamlit as st

from app.paper.parts import (
    choose_table,
    choose_task,
    draw_cells,
    draw_chart,
    draw_other_runs,
    draw_table,
)
from app.paper.start import draw_start
from app.reading.results import all_groups, medians
from app.reading.runs import run_rows, runs_folder
from finegates.results.paper import NOTES, NUM_SEEDS, SOURCE, TABLES, cells_of
from finegates.results.paper_runs import compare, told_apart

folder = runs_folder()

st.title("Paper")
st.markdown(  # a link in a caption would be too faint to read
    f"Figures as printed in [{SOURCE}](https://arxiv.org/abs/2412.12951): medians of {NUM_SEEDS} "
    "seeds. A run of yours stands next to a figure if task, training rows, model, method and "
    "target are the same; every other run is listed apart below."
)
table, backbone, view = choose_table()
rows = run_rows(folder)
points = medians(folder, rows)
comparisons = compare(cells_of(table, backbone), points, rows)
st.subheader(f"Table {table}: {TABLES[table]}")
draw_table(comparisons, view)
if NOTES[table]:
    st.caption("  \n".join(NOTES[table]))
task = choose_task(comparisons)
of_task = [c for c in comparisons if c.cell.printed_task == task]
left, right = st.columns(2, gap="large")
with left:
    draw_chart(of_task, view)
with right:
    draw_start(of_task, [group.name for group in all_groups(folder)])
draw_cells(comparisons, view)
draw_other_runs(told_apart(points, rows, comparisons), backbone)
