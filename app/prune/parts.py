"""The parts of the Prune page: the run, what a cut closes, what was measured of it."""

from functools import partial

import streamlit as st

from app import words
from app.charts.prune import EXPLANATIONS, score_curve, time_curve
from app.prune.frames import MeasuredCuts, score_frame, side_by_side, time_frame, timed_on
from app.prune.timing import newest_timing
from app.prune.work import at_work
from app.reading.one_run import row_of, status_of
from app.reading.run_costs import read_measured
from app.reading.saved import known_at
from app.snapshots.view import GateView
from app.text import escape_markdown
from app.widgets.report_button import report_button
from app.widgets.task_bar import CURVE
from app.widgets.ticks import draw_every
from app.words import STATES, TERMS, percent
from finegates.errors import FineGatesError
from finegates.gates.cuts import Cut
from finegates.gates.removal import removal
from finegates.gates.snapshots import Snapshot
from finegates.runs.folder import Run
from finegates.runs.measurements import AtCut

NOT_YET = "not measured"
CURVE_TICK_S = 2.0


def draw_state(run: Run) -> None:
    """Its state, and its report once there is something to report."""
    row = row_of(run)
    look = STATES[row["status"]]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(row["status"], icon=f":material/{look.icon}:", color=look.color, help=look.meaning)
        if row["step"]:
            report_button(run)


def load_measured(run: Run, cut: Cut) -> MeasuredCuts:
    """What is known of the run's cuts, and of this one.

    Raises:
        RunError: If one of its files is damaged.
    """
    known = read_measured(run)
    here = known_at(run, cut)
    return MeasuredCuts(
        known.points, known.timings, status_of(run), here, known.partial, known.generations
    )


def draw_counts(run: Run, shown: GateView, before: Snapshot, measured: MeasuredCuts) -> None:
    """What the cut closes, at once; what was measured of it, if it was."""
    if measured.status.has_learned_nothing:
        said = escape_markdown(words.learned_nothing(measured.status.only_answer))
        st.warning(said, icon=":material/warning:")
    counts = removal(shown.layout, shown.closed)
    reopened = int((before.closed & ~shown.closed).sum())
    point = measured.here.point
    weights = shown.layout.num_gated_weights
    numbers = (
        ("Weights removed", percent(counts.removed_weights_fraction), TERMS["removed"]),
        ("Gates closed", percent(counts.closed_gates_fraction), TERMS["closed"]),
        ("Gates reopened", f"{reopened:,}",
         "Closed by training, open at this cut; they are set just above closing."),
        ("Weights left", words.count(weights - counts.removed_weights),
         f"Of {words.count(weights)} in the gated matrices; embeddings and head are not counted."),
        (escape_markdown(words.metric_name(measured.metric)),
         words.score(point["score"], measured.metric) if point else NOT_YET,
         f"{TERMS['score']} Here: of the smaller model at this very cut."),
        _speed_up(run, measured.here),
    )  # fmt: skip
    with st.container(horizontal=True):
        for label, number, meaning in numbers:
            st.metric(label, number, help=meaning, border=True)


def _speed_up(run: Run, known: AtCut) -> tuple[str, str, str]:
    """Of a pass; of a language model, of decoding."""
    name, key, timing = "Speed-up", "speedup", newest_timing(run, known)
    of = "Time of a dense pass over that of the smaller model"
    if run.spec.is_language:
        name, key = "Decode speed-up", "decode_speedup"
        of = "Tokens that the smaller model writes in a second over those of the dense one"
    label = f"{name}, not steady" if timing and timing.get("busy") else name
    number = f"{timing[key]:.2f} x" if timing else NOT_YET
    return label, number, f"{of}, median of neighbouring passes."


def draw_curves(run: Run, cut: Cut, measured: MeasuredCuts, shown: GateView) -> None:
    """Score and time over the weights removed; the score as it comes, while a curve grows."""
    here = removal(shown.layout, shown.closed).removed_weights_fraction
    left, right = st.columns(2, border=True)
    with left:
        every_s = CURVE_TICK_S if CURVE in at_work(run) else 0
        draw_every(f"curve-{run.id}", every_s, partial(_draw_scores, run, cut, here))
    with right:
        st.markdown("**Time of a pass**", help=EXPLANATIONS["time"])
        if len(times := time_frame(measured)):
            chart = time_curve(times, here)
            st.altair_chart(chart, key="times", alt="Relative time over the weights removed")
            st.caption(EXPLANATIONS["time"])
        else:
            st.caption("No cut of this run was timed yet.")


def _draw_scores(run: Run, cut: Cut, here: float) -> None:
    try:
        measured = load_measured(run, cut)
    except FineGatesError:  # damaged or deleted since the page was drawn, which says so next time
        return
    st.markdown("**Score without training again**", help=EXPLANATIONS["score"])
    if len(scores := score_frame(measured)):
        chart = score_curve(scores, here, measured.dense_score, measured.metric)
        st.altair_chart(chart, key="scores", alt="Score over the weights removed")
        st.caption(EXPLANATIONS["score"] + (f" {EXPLANATIONS['partial']}" * bool(measured.partial)))
    else:
        st.caption("No cut of this run was scored yet, besides what training left.")


def draw_side_by_side(cut: Cut, measured: MeasuredCuts) -> None:
    """Dense next to pruned, as far as it was measured."""
    frame = side_by_side(measured.here, measured.metric)
    if len(frame):
        with st.container(border=True):
            st.markdown(f"**Dense next to pruned: {cut.words}**")
            st.dataframe(frame, hide_index=True, alt="Dense next to pruned", height="content")
            for timing in filter(None, (measured.here.timing, measured.here.generation)):
                st.caption(timed_on(timing))
