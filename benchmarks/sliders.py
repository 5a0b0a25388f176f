"""Server time from a slider to the repaint, on gates of any size; a part of `benchmarks.app`."""

from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.testing.v1 import AppTest

from app.dimensions.choice import RUNS, VIEWS
from app.prune.cut import BUDGET, THRESHOLD
from benchmarks.clock import figure
from benchmarks.pages import first_paint, repaint
from finegates.runs.folder import Run

GOAL_MS = 200
THRESHOLDS, BUDGETS = (0.1, 0.2), (0.3, 0.5)


def measure_dimensions(runs: Sequence[Run], runs_dir: Path, repeats: int) -> list[dict[str, Any]]:
    """In every view: to a step that was not read before, to one that was, and the threshold."""
    figures = []
    for view in VIEWS:
        against = [run.id for run in runs[1:]] if view == RUNS else []
        address = {"run": runs[0].id, "show": view, "against": against}
        app, _ = first_paint("dimensions", runs_dir, address)
        steps = app.select_slider(key="step").options[:2]
        times: dict[str, list[float]] = {"new step": [], "known step": [], "threshold": []}
        for number in range(repeats):
            st.cache_resource.clear()  # other runs are read again too, as at a first look
            times["new step"].append(move(app, runs_dir, "step", steps[number % 2]))
            move(app, runs_dir, "step", steps[1 - number % 2])
            times["known step"].append(move(app, runs_dir, "step", steps[number % 2]))
            threshold = THRESHOLDS[number % 2]
            times["threshold"].append(move(app, runs_dir, "threshold", threshold))
        figures += [
            figure(f"dimensions, {view}: slider of the {what}", values, goal=GOAL_MS)
            for what, values in times.items()
        ]
        sent = sum(len(map_.proto.json) for map_ in app.get("bidi_component"))
        figures.append(figure(f"dimensions, {view}: maps sent", [sent], "bytes"))
    return figures


def measure_prune(run: Run, runs_dir: Path, repeats: int) -> list[dict[str, Any]]:
    """The slider of the budget, and that of the threshold."""
    figures = []
    for way, key, places in ((BUDGET, "remove", BUDGETS), (THRESHOLD, "threshold", THRESHOLDS)):
        app, _ = first_paint("prune", runs_dir, {"run": run.id, "by": way})
        moves = [move(app, runs_dir, key, place) for place in islice(cycle(places), repeats + 1)]
        what = f"prune, slider of the {way.lower()}"
        figures.append(figure(what, moves[1:], goal=GOAL_MS))
    return figures


def move(app: AppTest, runs_dir: Path, key: str, value: Any) -> float:
    """Milliseconds until the page is made anew with a slider somewhere else."""
    slider = app.select_slider(key=key) if key == "step" else app.slider(key=key)
    slider.set_value(type(slider.value)(value))
    return repaint(app, runs_dir)
