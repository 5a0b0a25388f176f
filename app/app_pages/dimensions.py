"""Which dimensions survive: maps of layer by dimension for one run at one step."""

import streamlit as st

from app import loaders
from app.charts import layers
from app.charts.maps import gate_map as draw_map
from app.gate_frames import removed_frame, survivors
from app.gate_maps import PARTS, SIDE_NAMES, gate_map, meaning
from app.picker import pick_run
from app.survivor_table import draw_survivors
from app.words import TERMS, no_gates, percent
from finegates.accounting import removal
from finegates.errors import FineGatesError
from finegates.methods import METHODS
from finegates.runs import Run


def is_dense(run: Run) -> bool:
    try:
        return not METHODS[run.spec.method].removes
    except FineGatesError:  # told by the page that shows the run
        return False


ALL_PARTS = "all"
COLORS = ("value", "open / closed")

folder = loaders.runs_folder()
with st.container(horizontal=True, vertical_alignment="bottom"):
    run = pick_run(folder, st)
    steps = run.snapshot_steps()
    step = steps[-1] if steps else None
    if len(steps) > 1:
        step = st.select_slider(
            "Step", steps, value=step, key="step", bind="query-params", width=320,
            help="Gates are stored at each evaluation.",
        )  # fmt: skip
    st.page_link(
        "app_pages/live.py", label="Live", icon=":material/monitoring:",
        query_params={"run": run.id},
    )  # fmt: skip

if step is None and is_dense(run):
    st.info(no_gates(run.spec.method) + " Choose a run with gates.", icon=":material/grid_off:")
    st.stop()
if step is None:
    st.info(
        "This run has no gates yet: the first are stored with its first evaluation.",
        icon=":material/hourglass_empty:",
    )
    st.stop()
try:
    snapshot = loaders.snapshot(run, step)
except FineGatesError as error:
    st.error(str(error))
    st.stop()

counts = removal(snapshot.layout, snapshot.closed)
with st.container(horizontal=True):
    st.metric("Step", f"{step:,}", help="Optimizer steps done at this snapshot.", border=True)
    st.metric(
        "Weights removed", percent(counts.removed_weights_fraction), help=TERMS["removed"],
        border=True,
    )  # fmt: skip
    st.metric(
        "Gates closed", percent(counts.closed_gates_fraction), help=TERMS["closed"], border=True
    )
    st.metric(
        "Gates open",
        f"{snapshot.layout.num_gates - counts.closed_gates:,}",
        help=f"Of {snapshot.layout.num_gates:,} gates. Law: {snapshot.law.name}.",
        border=True,
    )

with st.container(horizontal=True, vertical_alignment="bottom"):
    role = st.segmented_control(
        "Part", [ALL_PARTS, *PARTS], default=ALL_PARTS, key="role", bind="query-params",
        required=True, help="  \n".join(f"**{k}**: {name}" for k, name in PARTS.items()),
    )  # fmt: skip
    side = st.segmented_control(
        "Side", list(SIDE_NAMES), default="survives", key="side", bind="query-params",
        required=True, help="  \n".join(f"**{k}**: {name}" for k, name in SIDE_NAMES.items()),
    )  # fmt: skip
    color = st.segmented_control(
        "Colour by", COLORS, default=COLORS[0], key="color", bind="query-params", required=True,
        help="The gate's value in evaluation, from 0 to 1, or only whether it is open.",
    )  # fmt: skip

st.caption(
    "A row for each layer, a column for each dimension. Grey is closed and removed, orange nearly "
    "closed, blue fully open. Lines mark off heads. Drag to zoom, double-click to go back."
)
dark = st.context.theme.type == "dark"
line = st.get_option(f"theme.{'dark' if dark else 'light'}.textColor")
parts = list(PARTS) if role == ALL_PARTS else [role]
shown = [p for p in parts if p != "ffn"]
wide = len(shown) == 1
columns = [st.container()] if wide else st.columns(2)
for place, part in enumerate(parts):
    target = st.container() if part == "ffn" or wide else columns[place % 2]
    with target, st.container(border=True):
        gate_values = gate_map(snapshot, part, side)
        if gate_values is None:
            st.caption(f"**{PARTS[part]}**: this run has no gates on that side.")
            continue
        open_share = float((gate_values.percent > 0).mean())
        st.markdown(f"**{PARTS[part]}** · {percent(open_share)} open", help=meaning(part, side))
        st.plotly_chart(
            draw_map(gate_values, color != COLORS[0], wide or part == "ffn", line),
            key=f"map-{part}",
            config={"displayModeBar": False},
            alt=f"Gates of {PARTS[part]} by layer and dimension, {percent(open_share)} open",
        )

left, right = st.columns([2, 3], border=True)
with left:
    st.markdown("**Weights removed by matrix**", help=layers.EXPLANATIONS["removed"])
    st.altair_chart(
        layers.removed_by_matrix(removed_frame(snapshot), dark),
        key="removed",
        alt="Removed weights of each matrix",
    )
    st.caption(layers.EXPLANATIONS["removed"])
with right:
    draw_survivors(survivors(snapshot))
