"""The gates of the Live page: closing layer by layer, what that removes, and how values spread."""

import numpy as np
import streamlit as st

from app.charts import gates, layers
from app.live.header import heading
from app.reading.feed import Feed, Histograms
from app.reading.gates import snapshot_at
from app.snapshots.frames import closing, removed_frame, shares, some_steps
from app.text import escape_markdown
from app.words import KIND_NAMES
from finegates.errors import RunError
from finegates.runs.folder import Run
from finegates.runs.status import Status

ALL_ROLES = "all"
NARROWEST = 440
"""Pixels that six matrices need for their names."""
NOT_YET = "No gate values yet; the first come with the first log line."
NOT_KEPT = "This run's folder has its curves, but not its gate values, so none can be shown."


def draw_gates(run: Run, status: Status, feed: Feed, choose_step: bool) -> None:
    """Gates closing layer by layer, and how their values spread."""
    if (histograms := feed.histograms) is None:
        st.caption(NOT_KEPT if status.is_over and status.step else NOT_YET)
        return
    roles = tuple(dict.fromkeys(name.split(".")[1] for name in histograms.names))
    total = max(status.total_steps, int(histograms.steps[-1]))
    with st.grid(2, min_column_width=NARROWEST):
        with st.container(border=True):
            heading("Gates closing, layer by layer", layers.EXPLANATIONS["closing"])
            st.altair_chart(
                layers.closing(closing(histograms, roles, total), total), key="closing",
                alt="Closed share of each layer over the steps",
            )  # fmt: skip
        with st.container(border=True):
            heading("Weights removed by matrix", layers.EXPLANATIONS["removed"])
            _draw_removed(run)
    with st.container(border=True):
        _draw_spread(histograms, roles, total, choose_step)


def _draw_removed(run: Run) -> None:
    steps = run.snapshot_steps()
    if not steps:
        st.caption("Comes with the first evaluation.")
        return
    try:
        frame = removed_frame(snapshot_at(run, steps[-1]))
    except RunError as error:
        st.warning(escape_markdown(str(error)))
        return
    dark = st.context.theme.type == "dark"
    st.vega_lite_chart(
        frame, layers.removed_by_matrix(frame, dark), key="removed",
        alt="Removed weights of each matrix",
    )  # fmt: skip


def _draw_spread(histograms: Histograms, roles: tuple[str, ...], total: int, choose: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.markdown("**Gate values in each layer**", width="stretch")
        view = st.segmented_control(
            "View", ["steps", "bars"], default="steps", key="view", bind="query-params",
            required=True, help="steps: over the training; bars: at one step.",
        )  # fmt: skip
        role = st.selectbox(
            "Matrices", [ALL_ROLES, *roles], key="matrices", bind="query-params", width=150,
            help="  \n".join(f"**{r}**: {KIND_NAMES[r]}" for r in roles),
        )  # fmt: skip
    chosen = roles if role == ALL_ROLES else (role,)
    if view == "bars":
        place = _choose_step(histograms.steps, choose)
        chart = gates.at_step(shares(histograms, chosen, place))
        text = gates.EXPLANATIONS["bars"]
    else:
        num_layers = len({name.split(".")[0] for name in histograms.names})
        at = some_steps(len(histograms.steps), num_layers)
        chart = gates.over_steps(shares(histograms, chosen, at, total), total)
        text = gates.EXPLANATIONS["steps"]
    st.altair_chart(chart, key=f"spread-{view}", alt="Gate values of each layer")
    st.caption(text)


def _choose_step(steps: np.ndarray, choose: bool) -> np.ndarray:
    """The place of the step to show: the latest while the run goes on, else any."""
    last = np.array([len(steps) - 1])
    if not choose:
        st.caption(f"Latest step: **{steps[-1]:,}**. Switch off live updates to look back.")
        return last
    if len(steps) < 2:
        return last
    options = [int(step) for step in steps]
    step = st.select_slider("Step", options, value=options[-1], key="at", bind="query-params")
    return np.array([options.index(step)])
