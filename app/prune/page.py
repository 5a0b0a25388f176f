"""Prune a finished run at any threshold or budget: score, size and speed, dense beside pruned."""

import streamlit as st

from app.dimensions.choice import tell_no_gates
from app.prune.actions import draw_actions, why_nothing_can_be_measured
from app.prune.parts import (
    choose_cut,
    draw_counts,
    draw_curves,
    draw_side_by_side,
    load_measured,
    tell_status,
)
from app.prune.try_it import draw_try
from app.reading import loaders
from app.snapshots.survivors import draw_survivor_view
from app.snapshots.view import GatesShown
from app.text import plain
from app.widgets.picker import pick_run
from finegates.errors import FineGatesError
from finegates.gates.cuts import cut_snapshot

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
