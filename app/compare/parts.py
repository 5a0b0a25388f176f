"""The parts of the Compare page, from top to bottom."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from app.charts.compare import Axis, overlay
from app.charts.zoom import HOW_TO_ZOOM, ZOOM
from app.curves import frames
from app.curves.looks import swatch
from app.curves.smoothing import choose_smoothing
from app.reading.one_run import facts_of
from app.rows import Row
from app.run_table.columns import COLUMNS
from app.text import escape_markdown
from app.words import NOTHING, TERMS, metric_name
from finegates.data.metric_kinds import direction_words
from finegates.runs.folder import Run

AXES = {"step": Axis("step", "Step"), "minutes": Axis("minutes", "Minutes since the first step")}
FEW_ROWS, MAX_TABLE_HEIGHT = 14, 520
NO_GATES = "None of these runs has removed anything."

HOW_TO_READ = {
    "loss": "Lower is better. Strong: the running mean; faint: each log as it is. It is the loss "
    "on the task, without the sparsity penalty.",
    "score": "Each point is an evaluation on the validation rows.",
    "removed": "The share of the gated weights that is gone at each step: it should reach the "
    "run's target and stay there.",
}

Curves = Sequence[tuple[pd.DataFrame, pd.DataFrame]]


def draw_curves(curves: Curves, looks: Mapping[str, int], metrics: list[str]) -> pd.DataFrame:
    """Loss, score and removed weights; gives back the training rows with the smoothed loss.

    Args:
        curves: Training rows and evaluations of each run.
        looks: The runs' names, with the numbers of their looks.
        metrics: Each run's main metric.
    """
    names = list(looks)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        across = st.segmented_control(
            "Across", list(AXES), default="step", key="across", bind="query-params", required=True
        )
        span = choose_smoothing()
        st.caption(
            "Click a run in a legend to fade the others; click next to it to undo that. "
            + HOW_TO_ZOOM
        )
    starts = [curve[0]["time"].min() for curve in curves]
    train = frames.together([curve[0] for curve in curves], names, starts)
    evaluations = frames.together([curve[1] for curve in curves], names, starts)
    train = frames.smoothed(train, span) if len(train) else train
    x = AXES[across]
    left, right = st.columns(2, border=True)
    with left:
        loss = Axis("smoothed", "Task loss")
        _draw("Loss", "loss", train, looks, x, loss, raw="task_loss")
    with right:
        metric = metrics[0] if len(set(metrics)) == 1 else ""
        one = metric_name(metric)
        scored = evaluations.dropna(subset=["score"]) if len(evaluations) else evaluations
        y = Axis("score", one, metric=metric)
        _draw(one, "score", scored, looks, x, y, points=True, first=direction_words(metric))
    with st.container(border=True):
        removed = _removing(train)
        y = Axis("removed_weights_fraction", "Weights removed", "~%")
        _draw("Weights removed", "removed", removed, looks, x, y, nothing=NO_GATES, columns=4)
    return train


def _draw(
    title: str, key: str, frame: pd.DataFrame, looks: Mapping[str, int], x: Axis, y: Axis,
    nothing: str = "Comes with the first log line.", first: str = "", **options: Any,
) -> None:  # fmt: skip
    st.markdown(f"**{escape_markdown(title)}**")
    if frame.empty:
        st.caption(nothing)
        return
    number = frame["name"].nunique()
    st.vega_lite_chart(
        overlay(frame, looks, x, y, **options), key=f"compare_{key}", on_select="rerun",
        selection_mode=ZOOM,
        alt=f"{title} of {number} runs against {x.title.lower()}",
    )  # fmt: skip
    st.caption(f"{first} {HOW_TO_READ[key]}".lstrip())


def _removing(train: pd.DataFrame) -> pd.DataFrame:
    """Rows of runs that removed something: a dense run's line at 0 would say nothing."""
    if train.empty:
        return train
    known = train.dropna(subset=["removed_weights_fraction"])
    most = known.groupby("name")["removed_weights_fraction"].transform("max")
    return known[most > 0]


def draw_numbers(rows: list[Row], looks: Mapping[str, int], train: pd.DataFrame) -> None:
    """Final numbers of each run, and their differences from the first one's."""
    names = list(looks)
    st.subheader("Final numbers")
    last = dict(train.groupby("name")["smoothed"].last()) if len(train) else {}
    frame = frames.numbers(rows, [last.get(name) for name in names])
    frame.insert(0, "name", names)
    frame.insert(0, "look", [swatch(number) for number in looks.values()])
    frame["run"] = [row["run"] for row in rows]
    st.dataframe(
        frame, key="numbers", column_config=_number_columns(), hide_index=True, height="content",
        placeholder=NOTHING, alt=f"Final numbers of {len(rows)} runs",
    )  # fmt: skip
    st.caption(
        f"Δ is the difference from the first run, {names[0]}: of fractions in percentage points. "
        "Of a run that is not over, the numbers are those of now."
    )


def draw_differences(runs: list[Run], names: list[str]) -> None:
    """What the runs were asked for, their data and their versions: only what differs, or all."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader("What differs", width="stretch")
        show_all = st.toggle("Show equal rows too", key="equal", bind="query-params")
        facts = [facts_of(run) for run in runs]
        frame = frames.differences(facts, names, show_all)
        st.download_button(
            "Download CSV", frames.differences_csv(frame, [run.id for run in runs]),
            file_name=f"differences-{datetime.now():%Y%m%d-%H%M}.csv", mime="text/csv",
            icon=":material/download:", on_click="ignore", key="download_differences",
            help="The rows below; each column is named by its run's id.",
        )  # fmt: skip
    equal = len(frames.differences(facts, names, show_all=True)) - len(frame)
    if frame.empty:
        st.info("Settings, data and versions are all equal.", icon=":material/equal:")
        return
    text = st.column_config.TextColumn
    st.dataframe(
        frame, key="differences", hide_index=True,
        column_config={"part": text("Of", width=80), "name": text("Name", width=200)},
        height="content" if len(frame) <= FEW_ROWS else MAX_TABLE_HEIGHT,
        alt=f"{len(frame)} settings, facts of the data and versions of {len(runs)} runs",
    )  # fmt: skip
    if not show_all:
        st.caption(f"{equal} equal row{'s are' if equal != 1 else ' is'} hidden.")


def _number_columns() -> dict[str, Any]:
    config = st.column_config
    score: dict[str, Any] = {"format": "%.3f", "width": 74}
    change: dict[str, Any] = {"format": "%+.3f", "width": 74}
    points: dict[str, Any] = {"format": "%.1f %%", "width": 84}
    return {
        "look": config.ImageColumn("", width=44, pinned=True, help="The run's line above."),
        "name": config.TextColumn("Run", width=220, pinned=True),
        "state": COLUMNS["state"].config,
        "score": config.NumberColumn("Score", **score, help=TERMS["score"]),
        "d_score": config.NumberColumn("Δ score", **change),
        "removed": config.NumberColumn("Removed", **points, help=TERMS["removed"]),
        "d_removed": config.NumberColumn("Δ removed", format="%+.1f", width=84),
        "loss": config.NumberColumn("Loss", **score, help="The last one, smoothed as above."),
        "d_loss": config.NumberColumn("Δ loss", **change),
        "seconds": config.NumberColumn(
            "Took", format="%.0f s", width=80, help="From its start to its end."
        ),
        "d_seconds": config.NumberColumn("Δ took", format="%+.0f s", width=80),
        "closed": config.NumberColumn("Closed", **points, help=TERMS["closed"]),
        "trained": config.NumberColumn("Trained", format="compact", width=76),
        "speed": config.NumberColumn("Rows/s", format="%.0f", width=76, help=TERMS["throughput"]),
        "steps": config.NumberColumn("Steps", width=70),
        "run": config.TextColumn("Id", width=300),
    }
