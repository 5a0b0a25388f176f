"""Server time of a slider on the Dimensions page, on gates as many as RoBERTa-large has.

    python -m benchmarks.dimensions [--runs 3] [--repeats 9]

Makes runs with generated gates in a temporary folder: 24 layers, hidden size 1,024, feed-forward
4,096, gates on both sides of all six matrices. In each view it moves the slider of steps, to a step
that was not read before and to one that was, and the slider of the threshold. Each move is a whole
run of the page's script by Streamlit's AppTest: no browser and no network. "chart_bytes" is what
the charts of Plotly send. Writes benchmarks/results/dimensions.json; the last line is that JSON.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.testing.v1 import AppTest

from benchmarks.clock import spread, timed
from benchmarks.pages import open_page
from benchmarks.record import environment, write_result

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "app"))

from fake_runs import Size, make_layout, make_run  # noqa: E402  needs the path

from app.dimension_view import RUNS, VIEWS  # noqa: E402
from finegates.runs import RUNS_DIR_VARIABLE, Run  # noqa: E402

ROBERTA_LARGE = Size(layers=24, hidden=1024, ffn=4096, heads=16)
TARGET, STEPS = 0.4, 60
THRESHOLDS = (0.1, 0.2)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        runs_dir = Path(folder).resolve()
        os.environ[RUNS_DIR_VARIABLE] = str(runs_dir)
        runs = [
            make_run(
                runs_dir, size=ROBERTA_LARGE, total_steps=STEPS, seed=seed, target_sparsity=TARGET
            )
            for seed in range(options.runs)
        ]
        views = {view: measure(view, runs, options.repeats) for view in VIEWS}
    result = {
        **environment(),
        "gates": make_layout(ROBERTA_LARGE).num_gates,
        "runs_compared": options.runs,
        "repeats": options.repeats,
        "views_ms": views,
    }
    write_result("dimensions.json", result)
    print(json.dumps(result))


def measure(view: str, runs: Sequence[Run], repeats: int) -> dict[str, Any]:
    """Milliseconds of the sliders in one view, as median, lowest and highest."""
    against = [run.id for run in runs[1:]] if view == RUNS else []
    app = open_page("dimensions", {"run": runs[0].id, "show": view, "against": against})
    steps = app.select_slider(key="step").options
    times: dict[str, list[float]] = {"new_step": [], "known_step": [], "threshold": []}
    for number in range(repeats):
        st.cache_resource.clear()  # other runs are read again too, as at a first look
        times["new_step"].append(move(app, "step", steps[number % 2]))
        move(app, "step", steps[1 - number % 2])
        times["known_step"].append(move(app, "step", steps[number % 2]))
        times["threshold"].append(move(app, "threshold", THRESHOLDS[number % 2]))
    charts = sum(len(chart.proto.spec) for chart in app.get("plotly_chart"))
    return {what: spread(values) for what, values in times.items()} | {"chart_bytes": charts}


def move(app: AppTest, key: str, value: Any) -> float:
    """Seconds until the page is made anew with a slider somewhere else."""
    slider = app.slider(key=key) if key == "threshold" else app.select_slider(key=key)
    slider.set_value(type(slider.value)(value))
    seconds = timed(app.run)
    if app.exception:
        raise RuntimeError(f"The page has failed: {app.exception[0].message}")
    return seconds


if __name__ == "__main__":
    main()
