"""Prune a finished run at any threshold or budget: score, size and speed, dense next to pruned."""

import streamlit as st

from app.prune.actions import draw_actions, why_nothing_can_be_measured
from app.prune.parts import (
    choose_cut,
    draw_counts,
    draw_curves,
    draw_side_by_side,
    draw_status,
    load_measured,
)
from app.prune.try_it import draw_try
from app.reading.gates import snapshot_at
from app.reading.runs import runs_folder
from app.snapshots.no_gates import show_no_gates
from app.snapshots.survivors import draw_survivor_view
from app.snapshots.view import GateView
from app.text import escape_markdown
from app.widgets.picker import pick_run
from finegates.errors import FineGatesError
from finegates.gates.cuts import cut_snapshot

folder = runs_folder()
with st.container(horizontal=True, vertical_alignment="bottom"):
    run = pick_run(folder, st)
    draw_status(run)
if not (steps := run.snapshot_steps()):
    show_no_gates(run, folder)
    st.stop()
try:
    snapshot = snapshot_at(run, steps[-1])
    measured = load_measured(run)
except FineGatesError as error:
    st.error(escape_markdown(str(error)), icon=":material/broken_image:")
    st.stop()
cut = choose_cut(snapshot)
shown = GateView(run.id, run.id, cut_snapshot(snapshot, cut))
draw_counts(shown, snapshot, cut, measured)
if reason := why_nothing_can_be_measured(run):
    st.info(reason, icon=":material/inventory_2:")
else:
    draw_actions(run, cut)
draw_curves(measured, shown)
draw_side_by_side(cut, measured)
draw_try(run, cut)
draw_survivor_view(shown)
