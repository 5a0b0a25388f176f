"""Curves that are being scored now, above the trade-off chart: how far each is, and its stop."""

from collections.abc import Iterable
from pathlib import Path

import streamlit as st

from app.charts.axes import KIND_NAMES
from app.prune.work import CURVE, draw_running
from app.reading.results import curves_at_work
from app.rows import Row
from app.tradeoff.choice import CURVES, DEFAULT_CURVES
from finegates.results.points import THRESHOLDS
from finegates.runs.folder import Run

HIDDEN = f"Its points come into the chart under Curves, **{KIND_NAMES[THRESHOLDS]}**."


def draw_curves_at_work(folder: Path, rows: Iterable[Row]) -> None:
    """A bar and a button for each run among these whose curve is being scored."""
    names = {row["run"]: row["name"] for row in rows}
    at_work = curves_at_work(folder, rows, CURVE)
    for run, task in at_work.items():
        draw_running(Run(folder / run), task, names[run])
    curves = st.session_state.get("curves", DEFAULT_CURVES) or CURVES
    if at_work and KIND_NAMES[THRESHOLDS] not in curves:
        st.caption(HIDDEN)
