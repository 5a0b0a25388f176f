"""Loss, score and sparsity of the watched runs, each run in its colour."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app.charts import curves
from app.charts.compare import Axis, Shown, overlay
from app.charts.zoom import HOW_TO_ZOOM, ZOOM
from app.curves import frames
from app.curves.smoothing import choose_smoothing
from app.live.header import heading
from app.live.watched import Watched
from app.words import metric_name
from finegates.data.metric_kinds import baseline_name, direction_words

FIRST_LOG = "Comes with the first log line."
FIRST_EVALUATION = "The first evaluation has not come yet."
NARROWEST = 310
"""Pixels that a chart needs for its legend; in a narrow window charts go below one another."""
TARGET = 0.6
"""Opacity of the lines of targets."""

REMOVED = {
    "removed": Axis("removed_weights_fraction", "Weights removed", "~%"),
    "expected": Axis("expected_removed", "Expected removed", "~%"),
}
AT_EVALUATION = (
    Shown("removed_weights_fraction", "Weights removed", ".1%"),
    Shown("gates", "Gates"),
)


def draw_curves(watched: Sequence[Watched]) -> None:
    """The three charts side by side, and how much the loss is smoothed."""
    gated = [each for each in watched if each.has_gates]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        span = choose_smoothing()
        line = "removed"
        if gated and len(watched) > 1:
            line = st.segmented_control(
                "Sparsity", list(REMOVED), default="removed", key="line", bind="query-params",
                required=True, help=curves.EXPLANATIONS["sparsity"],
            )  # fmt: skip
        st.caption(HOW_TO_ZOOM)
    with st.grid(3 if gated else 2, min_column_width=NARROWEST):
        with st.container(border=True, height="stretch"):
            _draw_loss(watched, span)
        with st.container(border=True, height="stretch"):
            _draw_score(watched)
        if gated:
            with st.container(border=True, height="stretch"):
                _draw_sparsity(gated, len(watched) > 1, line)


def draw_chart(chart: dict[str, Any], key: str, alt: str, how_to_read: str) -> None:
    """A chart that keeps its zoom while data comes, and a line on how to read it."""
    st.vega_lite_chart(chart, key=key, alt=alt, on_select="rerun", selection_mode=ZOOM)
    st.caption(how_to_read)


def _draw_loss(watched: Sequence[Watched], span: int) -> None:
    heading("Loss", curves.EXPLANATIONS["loss"])
    train = _together(watched, [each.feed.train for each in watched])
    train = frames.smoothed(train, span) if len(train) else train
    if train.empty:
        st.caption(FIRST_LOG)
        return
    chart = overlay(
        train, _looks(watched), _steps(watched), Axis("smoothed", "Task loss"), raw="task_loss",
        columns=1,
    )  # fmt: skip
    draw_chart(chart, "loss", "Task loss over the steps", curves.HOW_TO_READ["loss"])


def _draw_score(watched: Sequence[Watched]) -> None:
    metrics = {each.status.metric for each in watched if each.status.metric}
    metric = next(iter(metrics)) if len(metrics) == 1 else ""
    title = metric_name(metric)
    heading(title, curves.EXPLANATIONS["score"])
    rows = _together(watched, [each.feed.evaluations for each in watched])
    rows = rows.dropna(subset=["score"]) if len(rows) else rows
    if rows.empty:
        st.caption(FIRST_EVALUATION)
        return
    rounded = rows["rounded"].to_numpy() == 1
    rows = rows.assign(gates=np.where(rounded, "rounded to the target", "as trained"))
    line = line_of_scores(watched)
    chart = overlay(
        rows, _looks(watched), _steps(watched),
        Axis("score", title, includes=() if line is None else line[:1], metric=metric),
        points=True, columns=1, more=AT_EVALUATION, rule=line,
    )  # fmt: skip
    draw_chart(
        chart,
        "score",
        "Score at each evaluation",
        f"{direction_words(metric)} {curves.HOW_TO_READ['score']}",
    )


def line_of_scores(watched: Sequence[Watched]) -> tuple[float, str] | None:
    """What scores are held against: the model that the runs start from, else the baseline."""
    references = {each.status.reference_score for each in watched}
    majorities = {each.status.majority_score for each in watched} - {None}
    metric = next((each.status.metric for each in watched if each.status.metric), "")
    for found, what in ((references, "before training"), (majorities, baseline_name(metric))):
        if len(found) == 1 and (score := next(iter(found))) is not None:
            return score, what
    return None


def _draw_sparsity(gated: Sequence[Watched], several: bool, line: str) -> None:
    heading("Sparsity", curves.EXPLANATIONS["sparsity"])
    train = _together(gated, [each.feed.train for each in gated])
    if train.empty:
        st.caption(FIRST_LOG)
        return
    alt = "Removed weights against the target"
    if several:
        y = REMOVED[line]
        known = train.dropna(subset=[y.column])
        if known.empty:
            st.caption("None of these runs reports what it expects to remove.")
            return
        chart = overlay(
            known, _looks(gated), _steps(gated), y, raw="current_target", columns=1, faint=TARGET
        )
        draw_chart(chart, f"sparsity-{line}", alt, curves.HOW_TO_READ["sparsities"])
        return
    one = gated[0]
    chart = curves.sparsity(train, one.run.spec.target_sparsity, one.status.total_steps)
    draw_chart(chart, "sparsity", alt, curves.HOW_TO_READ["sparsity"])


def _together(watched: Sequence[Watched], each: Sequence[pd.DataFrame]) -> pd.DataFrame:
    starts = [frame["time"].min() for frame in each]
    return frames.together(each, [one.name for one in watched], starts)


def _looks(watched: Sequence[Watched]) -> dict[str, int]:
    return {each.name: each.look for each in watched}


def _steps(watched: Sequence[Watched]) -> Axis:
    return Axis("step", "Step", end=max(1, *(each.status.total_steps for each in watched), 1))
