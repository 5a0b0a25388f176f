"""The parts of the Live page, from top to bottom."""

import streamlit as st

from app import words
from app.actions import run_buttons
from app.charts import curves
from app.feed import Feed
from app.words import STATES, TERMS
from finegates.methods import METHODS
from finegates.runs import Run
from finegates.status import Status

LOG_BYTES, LOG_LINES = 8000, 16
FIRST_LOG = "Comes with the first log line."

Tile = tuple[str, str, str, str]
"""Label, value, help, and what stands below the value."""


def has_gates(run: Run) -> bool:
    """Whether the run's method closes anything; a dense one has no gates at all."""
    return METHODS[run.spec.method].removes


def draw_header(run: Run, status: Status) -> None:
    """What the run is, where it stands, and what can be done about it."""
    spec, look = run.spec, STATES[status.state]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(status.state, icon=f":material/{look.icon}:", color=look.color, help=look.meaning)
        st.markdown(
            f"**{spec.method}** on **{spec.task}** with `{spec.model}`, seed {spec.seed}",
            width="stretch",
        )
        run_buttons(run, status.state)
        if has_gates(run):
            st.page_link(
                "app_pages/dimensions.py", label="Dimensions", icon=":material/grid_on:",
                query_params={"run": run.id},
            )  # fmt: skip
    if status.reason:
        show = st.error if status.state in ("failed", "lost") else st.info
        show(status.reason, icon=f":material/{look.icon}:")
    if status.total_steps and status.state != "finished":
        share = min(1.0, status.step / status.total_steps)
        left = words.duration(status.time_left_s)
        tail = f" · {left} left" if status.time_left_s is not None else ""
        text = f"Step {status.step:,} of {status.total_steps:,} · {share:.0%}{tail}"
        st.progress(share, text=text)


def draw_tiles(run: Run, status: Status) -> None:
    """The numbers that count, each with its definition on hover."""
    metric = words.metric_name(status.metric)
    gain = None
    if status.score is not None and status.majority_score is not None:
        gain = round(status.score - status.majority_score, 3)
    gated = has_gates(run)
    with st.grid(6 if gated else 3, min_column_width=150):
        st.metric(
            metric, words.score(status.score), gain, delta_description="over majority",
            help=f"{TERMS['score']} Majority baseline: {words.score(status.majority_score)}. "
            f"{TERMS['majority']}", border=True, height="stretch",
        )  # fmt: skip
        sparsity = _sparsity_tiles(run, status) if gated else []
        for label, value, help, below in [*sparsity, *_work_tiles(status)]:
            st.metric(
                label, value, below, delta_arrow="off", delta_color="off",
                help=help, border=True, height="stretch",
            )  # fmt: skip
    if not gated:
        st.caption(words.no_gates(run.spec.method) + " So there is no sparsity to show.")


def _sparsity_tiles(run: Run, status: Status) -> list[Tile]:
    return [
        ("Weights removed", words.percent(status.removed_weights_fraction), TERMS["removed"],
         f"of {words.count(status.num_gated_weights)} gated"),
        ("Gates closed", words.percent(status.closed_gates_fraction), TERMS["closed"],
         f"of {words.count(status.num_gates)} gates"),
        ("Target", words.percent(run.spec.target_sparsity),
         f"{TERMS['target']} Here: {run.spec.target_meaning}.",
         "of weights" if run.spec.rounds_to_budget else "mean P(closed)"),
    ]  # fmt: skip


def _work_tiles(status: Status) -> list[Tile]:
    trained = words.count(status.trainable_params)
    return [
        ("Throughput", words.per_second(status.samples_per_s), TERMS["throughput"],
         f"{status.device} · {status.precision}"),
        ("Memory", words.size(status.memory_bytes),
         f"{TERMS['memory']} Trained: {trained} of {words.count(status.total_params)} parameters.",
         f"{trained} trained"),
    ]  # fmt: skip


def draw_curves(run: Run, status: Status, feed: Feed) -> None:
    """Loss, score and, where there are gates, sparsity side by side."""
    train, evaluations = feed.train, feed.evaluations
    left, middle, *right = st.columns(3 if has_gates(run) else 2, border=True)
    with left:
        heading("Loss", curves.EXPLANATIONS["loss"])
        if len(train):
            st.altair_chart(
                curves.loss(train, status.total_steps), key="loss", alt="Task loss over the steps"
            )
        else:
            st.caption(FIRST_LOG)
    with middle:
        heading(words.metric_name(status.metric), curves.EXPLANATIONS["score"])
        if len(evaluations):
            chart = curves.score(
                evaluations, status.metric, status.majority_score, status.total_steps
            )
            st.altair_chart(chart, key="score", alt="Score at each evaluation")
        else:
            st.caption("The first evaluation has not come yet.")
    for place in right:
        with place:
            heading("Sparsity", curves.EXPLANATIONS["sparsity"])
            if len(train):
                chart = curves.sparsity(train, run.spec.target_sparsity, status.total_steps)
                st.altair_chart(chart, key="sparsity", alt="Removed weights against the target")
            else:
                st.caption(FIRST_LOG)


def draw_log(run: Run, expanded: bool) -> None:
    """The end of what the worker printed."""
    with st.expander("Log", icon=":material/terminal:", expanded=expanded):
        lines = run.log_tail(LOG_BYTES).strip().splitlines()[-LOG_LINES:]
        st.code("\n".join(lines) or "The log is empty so far.", language=None)
        st.caption(f"Its last {LOG_LINES} lines at most. All of it: `{run.log_path}`")


def heading(title: str, explanation: str) -> None:
    """A chart's title, with how to read it on hover."""
    st.markdown(f"**{title}**", help=explanation)
