"""The trade-off chart on a page, with what is said below it."""

import statistics
from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from app import places
from app.charts.axes import AXES, KNOWN_AXES
from app.charts.tradeoff import HEIGHT, WIDTH, tradeoff
from app.charts.tradeoff_layers import OPENED, OPENED_GROWING
from app.reading.run_costs import RunCosts
from app.rows import Row
from app.tradeoff import frames
from app.tradeoff.choice import Look
from app.tradeoff.paper_points import QUOTED_AXES, quoted
from app.tradeoff.run_facts import RunFacts
from app.widgets.chart_files import export_buttons
from app.widgets.opening import open_run
from app.words import metric_name
from finegates.results.points import Point

HOW_TO_READ = (
    "Up and to the right is better: a higher score with more removed; of a perplexity, down. Each "
    "point is a run, and a click opens it; each line goes through the medians over seeds, whiskers "
    "show the range."
)
FRONT = "The broad grey line is the Pareto front: ringed medians are beaten by no other in both."
QUOTED = (
    "Hollow and grey: RoBERTa-base (diamonds) and RoBERTa-large (squares) as printed in "
    "arXiv 2412.12951, Tables 2 and 3. They are another model, often on other rows."
)
GROWING = (
    "A dashed ring is a run at work, with how far it is: its last score, at what its gates would "
    "remove now."
)
PARTIAL = (
    "A small hollow point belongs to a curve that is not complete: it was scored on a part of the "
    "rows, the bar is where its score on all of them is, with 95 % confidence."
)
NOT_QUOTED = "The paper prints no figure of this task and metric across this axis."


def draw_chart(
    points: list[Point],
    rows: list[Row],
    look: Look,
    costs: Mapping[str, RunCosts] | None = None,
    growing: pd.DataFrame | None = None,
    on_part: pd.DataFrame | None = None,
    *,
    height: int = HEIGHT,
    width: int = WIDTH,
    key: str = "tradeoff",
) -> None:
    """The chart of some points, its downloads, and what it lacks.

    Args:
        points: Of one task, metric and model.
        rows: From `app.reading.runs.run_rows`.
        look: How they are drawn.
        costs: From `app.reading.results.costs_of`; needed by axes that are measured.
        growing: From `app.tradeoff.growing.growing`: runs at work.
        on_part: From `app.tradeoff.partial.partial_points`: points on a part of the rows.
        height: In pixels.
        width: What its legend may take, in pixels.
        key: Of the chart on the page.
    """
    known = RunFacts({row["run"]: row for row in rows}, costs or {})
    shown = frames.shown_points(points, look.kinds)
    drawn = frames.lines(shown, known), frames.runs(shown, known), frames.baselines(shown)
    title = AXES[look.axis][0]
    has_place = any(
        frame[look.axis].notna().any() for frame in (*drawn[:2], growing) if frame is not None
    )
    if not has_place and (len(drawn[0]) or drawn[2].empty):
        st.caption(f"No finished run here says how much this is: {title.lower()}.")
        draw_unmeasured(shown, known, look.axis, key)
        return
    reference = quoted(points[0]) if look.quoted and look.axis in QUOTED_AXES else None
    metric = points[0].metric or (growing["metric"].iloc[0] if growing is not None else "")
    chart = tradeoff(
        *drawn, axis=look.axis, x_title=title, metric=metric, height=height,
        width=width, majority=_majority(points, known),
        front=frames.front(drawn[0], look.axis, metric) if look.front else None,
        quoted=reference, growing=growing, partial=on_part,
    )  # fmt: skip
    clicks = [
        name
        for name, frame in ((OPENED, drawn[1]), (OPENED_GROWING, growing))
        if frame is not None and frame[look.axis].notna().any()
    ]
    opens: dict[str, Any] = {"on_select": partial(open_selected, key), "selection_mode": clicks}
    st.altair_chart(
        chart, key=key, **opens if clicks else {},
        alt=f"{metric_name(metric)} of {len({r for p in points for r in p.runs})} "
        f"finished runs on {points[0].data_name} against {title.lower()}",
    )  # fmt: skip
    export_buttons(chart, f"{points[0].data_name}-{look.axis}", key)
    if look.quoted and (reference is None or reference.empty):
        st.caption(NOT_QUOTED)
    draw_unmeasured(shown, known, look.axis, key)


def draw_reading(look: Look, grows: bool = False, partial: bool = False) -> None:
    """How to read the charts above it, said once.

    Args:
        look: How they are drawn.
        grows: Whether they show runs at work.
        partial: Whether they show points on a part of the rows.
    """
    sentences = [HOW_TO_READ, *[GROWING] * grows, *[PARTIAL] * partial, AXES[look.axis][1]]
    sentences += ([FRONT] if look.front else []) + ([QUOTED] if look.quoted else [])
    st.caption(" ".join(sentences))


def open_selected(key: str) -> None:
    """Callback of a chart: opens the run that was clicked, if one was."""
    for name in (OPENED, OPENED_GROWING):
        if chosen := st.session_state[key]["selection"].get(name):
            open_run(chosen[0]["run"])


def draw_unmeasured(points: list[Point], known: RunFacts, axis: str, key: str) -> None:
    """How many runs have no number on a measured axis, and how to get it; what was timed where."""
    if axis in KNOWN_AXES:
        return
    runs, total = frames.unmeasured(points, known, axis)
    if runs:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(
                f"{len(runs)} of {total} runs are left out: this was not measured of them. To "
                f"{'time' if axis == 'time' else 'score'} a cut of a run, go to", width="content",
            )  # fmt: skip
            st.page_link(
                places.PRUNE, label="Prune & time", icon=":material/content_cut:",
                query_params={"run": runs[0]},
            )  # fmt: skip
    if axis == "time" and (wheres := frames.timed_on(points, known)):
        alike = "" if len(wheres) == 1 else " Times on different ones don't compare."
        st.caption(f"Timed on {'; '.join(wheres)}.{alike}")


def _majority(points: list[Point], known: RunFacts) -> float | None:
    """What the most common answer or the untrained model scores, the median over the runs."""
    rows = [known.rows[run] for point in points for run in point.runs if run in known.rows]
    scores = [row["majority_score"] for row in rows if row["majority_score"] is not None]
    return statistics.median(scores) if scores else None
