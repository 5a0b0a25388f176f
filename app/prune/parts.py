"""The parts of the Prune page: the cut, what it closes, what was measured of it."""

import streamlit as st

from app import places, words
from app.charts.prune import EXPLANATIONS, score_curve, time_curve
from app.prune.frames import MeasuredCuts, score_frame, side_by_side, time_frame
from app.reading.one_run import row_of, status_of
from app.reading.run_costs import read_measured
from app.snapshots.view import GateView
from app.text import escape_markdown
from app.words import STATES, TERMS, percent
from finegates.gates.cuts import Cut
from finegates.gates.removal import removal
from finegates.gates.snapshots import Snapshot
from finegates.runs.folder import Run

BUDGET, THRESHOLD = "Budget", "Threshold"
HIGHEST = 0.99
NOT_YET = "not measured"


def draw_status(run: Run) -> None:
    """Its state, and the way to where it trains."""
    state = row_of(run)["status"]
    look = STATES[state]
    st.badge(state, icon=f":material/{look.icon}:", color=look.color, help=look.meaning)
    st.page_link(
        places.LIVE, label="Live", icon=":material/monitoring:",
        query_params={"run": run.id},
    )  # fmt: skip


def choose_cut(snapshot: Snapshot) -> Cut:
    """Where the gates are cut off; by default where the run itself did."""
    own = round(removal(snapshot.layout, snapshot.closed).removed_weights_fraction, 2)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        way = st.segmented_control(
            "Cut by", [BUDGET, THRESHOLD], default=BUDGET, key="by", bind="query-params",
            required=True, help="**Budget**: exactly the lowest gates that remove this share of "
            "the weights are closed.  \n**Threshold**: gates up to this value are closed.",
        )  # fmt: skip
        if way == BUDGET:
            remove = st.slider(
                "Weights to remove", 0.0, HIGHEST, min(own, HIGHEST), 0.01, key="remove",
                bind="query-params", format="percent", width="stretch",
                help=f"{TERMS['removed']} Training left this run at {percent(own, 0)}.",
            )  # fmt: skip
            return Cut(remove=remove)
        threshold = st.slider(
            "Threshold", 0.0, 1.0, 0.0, 0.01, key="threshold", bind="query-params",
            width="stretch", help="On gate values in evaluation, from 0 (closed) to 1 (open). 0 "
            "is what training left, 1 closes everything.",
        )  # fmt: skip
        return Cut(threshold=threshold)


def load_measured(run: Run) -> MeasuredCuts:
    """What is known of the run's cuts.

    Raises:
        RunError: If one of its files is damaged.
    """
    known = read_measured(run)
    return MeasuredCuts(known.points, known.timings, status_of(run))


def draw_counts(shown: GateView, before: Snapshot, cut: Cut, measured: MeasuredCuts) -> None:
    """What the cut closes, at once; what was measured of it, if it was."""
    counts = removal(shown.layout, shown.closed)
    reopened = int((before.closed & ~shown.closed).sum())
    point, timing = measured.point(cut), measured.timing(cut)
    weights = shown.layout.num_gated_weights
    numbers = (
        ("Weights removed", percent(counts.removed_weights_fraction), TERMS["removed"]),
        ("Gates closed", percent(counts.closed_gates_fraction), TERMS["closed"]),
        ("Gates reopened", f"{reopened:,}",
         "Closed by training, open at this cut; they are set just above closing."),
        ("Weights left", words.count(weights - counts.removed_weights),
         f"Of {words.count(weights)} in the gated matrices; embeddings and head are not counted."),
        (escape_markdown(measured.metric), words.score(point["score"]) if point else NOT_YET,
         f"{TERMS['score']} Here: of the smaller model at this very cut."),
        ("Speed-up", f"{timing['speedup']:.2f} x" if timing else NOT_YET,
         "Time of a dense pass over that of the smaller model, median of neighbouring passes."),
    )  # fmt: skip
    with st.container(horizontal=True):
        for label, number, meaning in numbers:
            st.metric(label, number, help=meaning, border=True)


def draw_curves(measured: MeasuredCuts, shown: GateView) -> None:
    """Score and time over the weights removed."""
    here = removal(shown.layout, shown.closed).removed_weights_fraction
    left, right = st.columns(2, border=True)
    with left:
        st.markdown("**Score without training again**", help=EXPLANATIONS["score"])
        if len(scores := score_frame(measured)):
            dense = measured.dense["score"] if measured.dense else None
            chart = score_curve(scores, here, dense, measured.metric)
            st.altair_chart(chart, key="scores", alt="Score over the weights removed")
            st.caption(EXPLANATIONS["score"])
        else:
            st.caption("No cut of this run was scored yet. Score this one, or the whole curve.")
    with right:
        st.markdown("**Time of a pass**", help=EXPLANATIONS["time"])
        if len(times := time_frame(measured)):
            chart = time_curve(times, here)
            st.altair_chart(chart, key="times", alt="Relative time over the weights removed")
            st.caption(EXPLANATIONS["time"])
        else:
            st.caption("No cut of this run was timed yet. Time this one.")


def draw_side_by_side(cut: Cut, measured: MeasuredCuts) -> None:
    """Dense next to pruned, as far as it was measured."""
    point, timing = measured.point(cut), measured.timing(cut)
    frame = side_by_side(measured.dense, point, timing, measured.metric)
    if len(frame):
        with st.container(border=True):
            st.markdown(f"**Dense next to pruned: {cut.words}**")
            st.dataframe(frame, hide_index=True, alt="Dense next to pruned", height="content")
            if timing:
                st.caption(f"Timed on {timing['hardware']}, {timing['threads']} threads.")
