"""Prune a finished run at any threshold or budget: score, size and speed, dense beside pruned."""

import streamlit as st

from app import loaders
from app.dimension_view import tell_no_gates
from app.gates_shown import GatesShown
from app.picker import pick_run
from app.plain import plain
from app.prune_actions import draw_actions, why_nothing_can_be_measured
from app.prune_parts import (
    choose_cut,
    draw_counts,
    draw_curves,
    draw_side_by_side,
    load_measured,
    tell_status,
)
from app.survivor_parts import draw_survivor_view
from app.try_parts import draw_try
from finegates.cuts import cut_snapshot
from finegates.errors import FineGatesError

folder = loaders.runs_folder()
with st.container(horizontal=True, vertical_alignment="bottom"):
    run = pick_run(folder, st)
    tell_status(run)
if not (steps := run.snapshot_steps()):
    tell_no_gates(run, folder)
    st.stop()
try:
    snapshot = loaders.snapshot(run, steps[-1])
    measured = load_measured(run)
except FineGatesError as error:
    st.error(plain(str(error)), icon=":material/broken_image:")
    st.stop()
cut = choose_cut(snapshot)
shown = GatesShown(run.id, run.id, cut_snapshot(snapshot, cut))
draw_counts(shown, snapshot, cut, measured)
if reason := why_nothing_can_be_measured(run):
    st.info(reason, icon=":material/inventory_2:")
else:
    draw_actions(run, cut)
draw_curves(measured, shown)
draw_side_by_side(cut, measured)
draw_try(run, cut)
draw_survivor_view(shown)
