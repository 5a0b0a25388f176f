"""The trade-off chart on a page: which task, which axis, and how to read it."""

import statistics
from typing import Any

import streamlit as st

from app import tradeoff_frames as frames
from app.charts.tradeoff import HEIGHT, tradeoff
from app.words import AXES, metric_name
from finegates.aggregate import ROUNDED, Point

HOW_TO_READ = (
    "Up and to the right is better: a higher score with more removed. Each point is a run, each "
    "line goes through the medians over seeds, whiskers show the range."
)


def choose_axis() -> str:
    """What the x axis shows."""
    return st.segmented_control(
        "Across", list(AXES), default="removed", key="axis", bind="query-params", required=True,
        help="  \n".join(f"**{name}**: {text}" for name, (_, text) in AXES.items()),
    )  # fmt: skip


def choose_task(found: dict[str, list[Point]]) -> str:
    """Whose points are shown: a key of `app.tradeoff_frames.comparisons`."""
    return st.selectbox("Task", list(found), key="task", bind="query-params", width=260)


def draw_chart(
    points: list[Point],
    rows: list[dict[str, Any]],
    axis: str,
    *,
    cheap_curve: bool = True,
    height: int = HEIGHT,
) -> None:
    """The chart of some points, with a sentence on how to read it."""
    by_id = {row["run"]: row for row in rows}
    shown = [p for p in points if cheap_curve or p.kind != ROUNDED]
    runs = [run for p in points for run in p.runs if run in by_id]
    majority = [m for run in runs if (m := by_id[run]["majority_score"]) is not None]
    title, meaning = AXES[axis]
    first = points[0]
    drawn = frames.lines(shown, by_id), frames.runs(shown, by_id), frames.baselines(shown)
    if drawn[0][axis].isna().all() and drawn[1][axis].isna().all() and drawn[2].empty:
        st.caption(f"No finished run here says how much this is: {title.lower()}.")
        return
    st.altair_chart(
        tradeoff(
            *drawn, axis=axis, x_title=title, metric=first.metric, height=height,
            majority=statistics.median(majority) if majority else None,
        ),
        key="tradeoff",
        alt=f"{metric_name(first.metric)} of {len({*runs})} finished runs on {first.task} "
        f"against {title.lower()}",
    )  # fmt: skip
    st.caption(f"{HOW_TO_READ} {meaning}")
