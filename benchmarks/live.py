"""The Live page on very many metric lines; a part of `benchmarks.app`."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
from streamlit.dataframe_util import convert_anything_to_arrow_bytes

from app.charts import curves
from app.charts.compare import Axis, overlay
from app.curves.frames import smoothed, together
from app.reading.feed import Feed
from benchmarks.clock import figure, milliseconds
from benchmarks.pages import first_paint, repaint
from finegates.runs.folder import METRICS_FILE, Run
from finegates.runs.status import write_status
from tests.app.fake_runs import make_run

CHARTS = ("loss", "score", "sparsity")
SPAN, TARGET, EVALUATE_EVERY = 8, 0.3, 1000
BYTES_OF_A_NUMBER = 8
GOAL_MS = 1000
PER_BYTE = 1.1
"""Bytes that a refresh may read for each that is new."""


def add_lines(run: Run, start: int, number: int, rng: np.random.Generator) -> int:
    """Appends training lines, and an evaluation each 1,000, as a worker does; returns the bytes."""
    with open(run.path / METRICS_FILE, "a") as file:
        before = file.tell()
        for step in range(start + 1, start + number + 1):
            file.write(json.dumps(train_row(step, rng), separators=(",", ":")) + "\n")
            if step % EVALUATE_EVERY == 0:
                row = {"kind": "eval", "step": step, "time": float(step), "score": 0.8,
                       "removed_weights_fraction": TARGET, "rounded": False}  # fmt: skip
                file.write(json.dumps(row, separators=(",", ":")) + "\n")
        return file.tell() - before


def train_row(step: int, rng: np.random.Generator) -> dict[str, Any]:
    """A line with every number that a real one has."""
    noise = float(rng.normal())
    numbers = ("loss", "task_loss", "penalty", "expected_removed", "current_target",
               "closed_gates_fraction", "removed_weights_fraction")  # fmt: skip
    return {
        "kind": "train", "step": step, "time": float(step), "memory_bytes": 1_320_000_000,
        "samples_per_s": 212.0 + noise, **{name: 0.3 + 0.01 * noise for name in numbers},
    }  # fmt: skip


def measure_live(runs_dir: Path, lines: int, new: int, repeats: int) -> list[dict[str, Any]]:
    """A run of so many lines: read at first, and what is new; the page; what its charts send."""
    run = make_run(runs_dir, "queued", target_sparsity=TARGET)
    rng = np.random.default_rng(0)
    add_lines(run, 0, lines, rng)
    first = [milliseconds(Feed(run).refresh) for _ in range(repeats)]
    feed = Feed(run)
    feed.refresh()
    write_status(run.path, replace(run.status(), state="stopped", step=lines, total_steps=lines))
    app, paint = first_paint("live", runs_dir, {"run": run.id})
    times: dict[str, list[float]] = {"refresh": [], "page": []}
    per_byte = []
    for number in range(repeats):
        added = add_lines(run, lines + number * new, new, rng)
        before = bytes_read()
        times["refresh"].append(milliseconds(feed.refresh))
        per_byte.append((bytes_read() - before) / added)
        times["page"].append(repaint(app, runs_dir))
    assert len(feed.train) == lines + repeats * new
    what = f"live, {lines:,} metric lines"
    return [
        figure(f"{what}: first reading", first),
        figure(f"{what}: first paint", [paint]),
        figure(f"{what}: reading {new} new lines", times["refresh"]),
        figure(f"{what}: bytes read for each byte that is new", per_byte, "bytes", PER_BYTE),
        figure(f"{what}: refresh of the page with {new} new lines", times["page"], goal=GOAL_MS),
        *(
            figure(f"{what}: sent for the chart of {name}", [payload(chart)], "bytes")
            for name, chart in zip(CHARTS, charts(feed), strict=True)
        ),
        figure(f"{what}: memory of what was read", [feed.train.size * BYTES_OF_A_NUMBER], "bytes"),
    ]


def bytes_read() -> int:
    """What this process has read so far, of Linux only."""
    return psutil.Process().io_counters().read_chars


def loss_rows(feed: Feed) -> pd.DataFrame:
    """All lines, with the smoothed loss."""
    return smoothed(together([feed.train], ["run"], [0.0]), SPAN)


def charts(feed: Feed) -> list[dict[str, Any]]:
    """The curves of the page for one run."""
    end = int(feed.train["step"].iloc[-1])
    steps, looks = Axis("step", "Step", end=end), {"run": 0}
    scores = together([feed.evaluations], ["run"], [0.0])
    loss = Axis("smoothed", "Task loss")
    return [
        overlay(loss_rows(feed), looks, steps, loss, raw="task_loss"),
        overlay(scores, looks, steps, Axis("score", "Accuracy"), points=True),
        curves.sparsity(feed.train, TARGET, end),
    ]


def payload(chart: Mapping[str, Any]) -> int:
    """Bytes that a chart's specification and data take on their way to the browser."""
    data = chart["datasets"].values()
    specification = json.dumps({key: chart[key] for key in chart if key != "datasets"})
    return len(specification) + sum(len(convert_anything_to_arrow_bytes(d)) for d in data)
