"""The parts of the Live page around its charts: state and buttons, numbers, and the log."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app import words
from app.curves.looks import swatch
from app.live.watched import Watched
from app.reading.one_run import log_tail
from app.run_table.columns import COLUMNS
from app.text import escape_markdown
from app.widgets.buttons import run_buttons
from app.widgets.next_steps import next_steps
from app.widgets.plain_code import plain_code
from app.widgets.report_button import report_button
from app.widgets.run_name import rename_popover
from app.words import STATES, TERMS
from finegates.data.metric_kinds import baseline_name, change_text, is_lower_better
from finegates.gates.counting import COUNT_WORDS
from finegates.methods import METHODS
from finegates.runs.folder import BROKEN, Run
from finegates.runs.status import Status

LOG_BYTES, LOG_LINES = 8000, 16
STARTING = {
    "queued": "The run starts as soon as its device is free. One run at a time trains on a device.",
    "starting": "The worker loads model and data. The first lines come within seconds.",
}

Tile = tuple[str, str, str, str]
"""Label, value, help, and what stands below the value."""


def draw_header(watched: Watched, alone: bool) -> None:
    """What a run is, where it stands, and what can be done about it.

    Args:
        watched: The run.
        alone: Whether it is the only one; of several, a table shows how far they are.
    """
    run, status = watched.run, watched.status
    spec, look = run.spec, STATES[status.state]
    with st.container(horizontal=True, vertical_alignment="center"):
        if not alone:
            st.image(swatch(watched.look), width=28)
        st.badge(status.state, icon=f":material/{look.icon}:", color=look.color, help=look.meaning)
        st.markdown(
            f"**{spec.method}** on **{escape_markdown(watched.data_name)}** with "
            f"{escape_markdown(spec.model)}, "
            f"seed {spec.seed}: {look.meaning}",
            width="stretch",
        )
        run_buttons(run, status.state)
        rename_popover(run)
        if alone and watched.has_begun:  # above the page are links to where it goes on
            report_button(run)
        elif status.is_over:
            next_steps(run)
    _draw_reason(watched)
    if alone:
        _draw_progress(status)


def draw_broken(run: Run, reason: str) -> None:
    """A run that can't be read, why, and the way to be rid of it."""
    with st.container(border=True):
        st.error(
            escape_markdown(f"{run.id} can't be read: {reason}"), icon=":material/broken_image:"
        )
        run_buttons(run, BROKEN, can_delete=True)


def _draw_reason(watched: Watched) -> None:
    status, icon = watched.status, f":material/{STATES[watched.status.state].icon}:"
    if status.reason:
        show = st.error if status.state in ("failed", "lost") else st.info
        show(escape_markdown(status.reason), icon=icon)
    if status.has_learned_nothing:
        st.warning(
            escape_markdown(words.learned_nothing(status.only_answer)), icon=":material/warning:"
        )
    if not watched.has_begun and status.state in STARTING:
        st.info(STARTING[status.state], icon=icon)
    elif not watched.has_begun and status.is_over:
        st.info("The run ended before its first step; its log may say why.")


def _draw_progress(status: Status) -> None:
    if status.total_steps and status.state != "finished":
        share = min(1.0, status.step / status.total_steps)
        left = words.duration(status.time_left_s)
        tail = f" · {left} left" if status.time_left_s is not None else ""
        text = f"Step {status.step:,} of {status.total_steps:,} · {share:.0%}{tail}"
        st.progress(share, text=text)


def draw_tiles(run: Run, status: Status) -> None:
    """The numbers that count, each with its definition on hover."""
    metric, score, baseline = status.metric, status.score, status.majority_score
    gain = None
    if score is not None and baseline is not None and round(score - baseline, 3):
        gain = change_text(baseline, score, metric)
    name, meaning = words.baseline(metric)
    gated = METHODS[run.spec.method].removes
    with st.grid(6 if gated else 3, min_column_width=150):
        st.metric(
            escape_markdown(words.metric_name(metric)), words.score(score, metric), gain,
            delta_color="inverse" if is_lower_better(metric) else "normal",
            delta_description=f"over {baseline_name(metric)}" if gain else None,
            help=f"{TERMS['score']} {name}: {words.score(baseline, metric)}. {meaning}",
            border=True, height="stretch",
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
         _of_what(run, status)),
    ]  # fmt: skip


def _of_what(run: Run, status: Status) -> str:
    """What the target is a fraction of, and how far it is where no other number says so."""
    if status.counted_removed_fraction is not None:
        so_far = words.percent(status.counted_removed_fraction)
        return f"{COUNT_WORDS[run.spec.budget_counts]}, now {so_far}"
    return "of weights" if run.spec.rounds_to_budget else "mean P(closed)"


def _work_tiles(status: Status) -> list[Tile]:
    trained = words.count(status.trainable_params)
    return [
        ("Rows/s", words.count(status.samples_per_s), TERMS["throughput"],
         escape_markdown(f"{status.device} · {status.precision}")),
        ("Memory", words.size(status.memory_bytes),
         f"{TERMS['memory']} Trained: {trained} of {words.count(status.total_params)} parameters.",
         f"{trained} trained"),
    ]  # fmt: skip


def draw_numbers(watched: Sequence[Watched]) -> None:
    """The numbers that count of several runs, a line each."""
    frame = pd.DataFrame([_numbers(each) for each in watched])
    st.dataframe(
        frame, key="numbers", hide_index=True, height="content", placeholder=words.NOTHING,
        column_config=_number_columns(), alt=f"Where {len(watched)} runs stand",
    )  # fmt: skip


def _numbers(watched: Watched) -> dict[str, Any]:
    status, gated = watched.status, watched.has_gates

    def percent(fraction: float | None) -> float | None:
        return round(100 * fraction, 2) if gated and fraction is not None else None

    return {
        "look": swatch(watched.look),
        "name": watched.name,
        "state": [status.state],
        "progress": 100 * status.step / status.total_steps if status.total_steps else 0.0,
        "step": f"{status.step:,} of {status.total_steps:,}" if status.total_steps else None,
        "left": words.duration(status.time_left_s) if status.is_live else None,
        "score": status.score,
        "removed": percent(status.removed_weights_fraction),
        "target": percent(watched.run.spec.target_sparsity),
        "speed": status.samples_per_s,
        "memory": words.size(status.memory_bytes),
    }


def _number_columns() -> dict[str, Any]:
    config = st.column_config
    fraction: dict[str, Any] = {"format": "%.1f %%", "width": 80}
    return {
        "look": config.ImageColumn("", width=44, pinned=True, help="The run's line below."),
        "name": config.TextColumn("Run", width=230, pinned=True),
        "state": COLUMNS["state"].config,
        "progress": COLUMNS["progress"].config,
        "step": config.TextColumn("Step", width=110, help="Optimiser steps, done and in all."),
        "left": config.TextColumn("Left", width=90, help="At the speed so far."),
        "score": config.NumberColumn("Score", format="%.3f", width=74, help=TERMS["score"]),
        "removed": config.NumberColumn("Removed", **fraction, help=TERMS["removed"]),
        "target": config.NumberColumn("Target", **fraction, help=TERMS["target"]),
        "speed": config.NumberColumn("Rows/s", format="%.0f", width=76, help=TERMS["throughput"]),
        "memory": config.TextColumn("Memory", width=90, help=TERMS["memory"]),
    }


def draw_log(run: Run, expanded: bool) -> None:
    """The end of what the worker printed."""
    with st.expander("Log", icon=":material/terminal:", expanded=expanded):
        lines = log_tail(run, LOG_BYTES).strip().splitlines()[-LOG_LINES:]
        plain_code("\n".join(lines) or "The log is empty so far.", "log", wrap=False)
        st.caption(f"Its last {LOG_LINES} lines at most. All of it: `{run.log_path}`")


def heading(title: str, explanation: str) -> None:
    """A chart's title, with how to read it on hover."""
    st.markdown(f"**{escape_markdown(title)}**", help=explanation)
