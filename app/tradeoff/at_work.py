"""Curves that are being scored now, above the trade-off chart: how far each is, and its stop."""

from collections.abc import Iterable
from pathlib import Path

import streamlit as st

from app.charts.axes import KIND_NAMES
from app.reading.results import curves_at_work
from app.rows import Row
from app.tradeoff.choice import Look
from app.tradeoff.partial import CURVE_KINDS
from app.widgets.task_bar import CURVE, draw_running
from finegates.runs.folder import Run

HIDDEN = (
    "To see all points of the curve that is scored now, choose under Curves: "
    f"{' and '.join(f'**{KIND_NAMES[kind]}**' for kind in CURVE_KINDS)}."
)


def draw_curves_at_work(folder: Path, rows: Iterable[Row]) -> None:
    """A bar and a button for each run among these whose curve is being scored."""
    names = {row["run"]: row["name"] for row in rows}
    at_work = curves_at_work(folder, rows, CURVE)
    for run, task in at_work.items():
        draw_running(Run(folder / run), task, names[run])


def say_hidden(folder: Path, rows: Iterable[Row], look: Look) -> None:
    """Says that points of a curve at work are not among what is drawn, if some may not be."""
    if not {*CURVE_KINDS} <= {*look.kinds} and curves_at_work(folder, rows, CURVE):
        st.caption(HIDDEN)
