"""Prune a finished run at any threshold or budget: score, size and speed, dense next to pruned."""

import streamlit as st

from app.prune.actions import (
    draw_actions,
    draw_unsteady,
    draw_why_not,
    why_nothing_can_be_measured,
)
from app.prune.cut import choose_cut
from app.prune.parts import (
    draw_counts,
    draw_curves,
    draw_side_by_side,
    draw_state,
    load_measured,
)
from app.prune.saved import draw_saved
from app.prune.try_it import draw_try
from app.prune.try_writing import draw_writing
from app.prune.work import draw_work
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
run = pick_run(folder)
draw_state(run)
if not (steps := run.snapshot_steps()):
    show_no_gates(run, folder)
    st.stop()
try:
    snapshot = snapshot_at(run, steps[-1])
    cut = choose_cut(run, snapshot)
    measured = load_measured(run, cut)
except FineGatesError as error:
    st.error(escape_markdown(str(error)), icon=":material/broken_image:")
    st.stop()
shown = GateView(run.id, run.id, cut_snapshot(snapshot, cut))
draw_counts(run, shown, snapshot, measured)
if reason := why_nothing_can_be_measured(run):
    draw_why_not(run, reason)
else:
    draw_actions(run, measured.here, begun=bool(measured.partial))
    draw_work(run)
    draw_saved(run, cut, measured.metric)
    draw_unsteady(run, measured.here)
draw_curves(run, cut, measured, shown)
draw_side_by_side(cut, measured)
if run.spec.is_language:
    draw_writing(run, cut)
else:
    draw_try(run, cut)
draw_survivor_view(shown)
