"""Which dimensions survive: of one run at one step, and of several runs against each other."""

import streamlit as st

from app.dimensions.choice import (
    DIFFERENCE,
    MAPS,
    STREAM,
    SURVIVORS,
    choose_runs,
    choose_view,
    draw_ways_on,
    load_shown,
)
from app.dimensions.difference import draw_difference
from app.dimensions.maps import draw_maps, is_dark
from app.dimensions.overlap import draw_comparison
from app.dimensions.stream import draw_stream
from app.reading.rotary import wavelengths_of
from app.reading.runs import runs_folder
from app.snapshots.no_gates import show_no_gates
from app.snapshots.survivors import draw_survivor_view
from app.snapshots.view import GateView
from app.text import escape_markdown
from app.words import TERMS, percent
from finegates.errors import FineGatesError
from finegates.gates.removal import removal


def draw_counts(gates: GateView) -> None:
    counts, total = removal(gates.layout, gates.closed), gates.layout.num_gates
    numbers = (
        ("Step", f"{gates.step:,}", "Optimizer steps done at this snapshot."),
        ("Weights removed", percent(counts.removed_weights_fraction), TERMS["removed"]),
        ("Gates closed", percent(counts.closed_gates_fraction), TERMS["closed"]),
        ("Gates open", f"{total - counts.closed_gates:,}",
         f"Of {total:,} gates. Law: {gates.law.name}."),
    )  # fmt: skip
    with st.container(horizontal=True):
        for label, number, meaning in numbers:
            st.metric(label, number, help=meaning, border=True)


folder = runs_folder()
run, others = choose_runs(folder)
if not (steps := run.snapshot_steps()):
    show_no_gates(run, folder)
    st.stop()
step, threshold, view = choose_view(steps)
try:
    shown = load_shown(run, others, step, threshold)
except FineGatesError as error:
    st.error(escape_markdown(str(error)))
    st.stop()
with st.container(horizontal=True, vertical_alignment="center"):
    draw_counts(shown[0])
    draw_ways_on(shown)

if view == MAPS:
    draw_maps(shown[0], wavelengths_of(run))
elif view == SURVIVORS:
    draw_survivor_view(shown[0])
elif view == STREAM:
    draw_stream(shown[0])
elif view == DIFFERENCE:
    draw_difference(run, steps, shown)
else:
    draw_comparison(shown, is_dark())
