"""Speeds of the app: 1,000 runs, gates as many as RoBERTa-large has, 100,000 metric lines.

    python -m benchmarks.app [--quick | --visits]

Makes run folders in a temporary folder with the writers of the tests, and draws pages with
Streamlit's AppTest: no browser and no network, so it is the server's part alone. What a first visit
costs a browser is measured in Chromium, on a real server. Writes
``benchmarks/results/app.json``: a line for each figure, beside its goal where it has one; ``met``
says whether the median keeps it. ``load_average_before`` tells how busy the machine was with other
work. ``--quick`` measures small folders without a browser, ``--visits`` first visits alone; both
write nothing. The last line printed is that JSON.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.clock import told
from benchmarks.live import measure_live
from benchmarks.pages import measure_pages, measure_runs_page
from benchmarks.record import environment, write_result
from benchmarks.sliders import measure_dimensions, measure_prune
from benchmarks.visits import measure_visits
from finegates.runs.folder import Run
from tests.app.fake_runs import TINY, Size, make_curve, make_layout, make_run
from tests.app.many_runs import make_many

RESULT = "app.json"
TARGET, STEPS, RUNS_COMPARED = 0.4, 60, 3


@dataclass(frozen=True)
class Extent:
    """How much is generated, and how often each thing is measured."""

    very_many_runs: int
    many_runs: int
    metric_lines: int
    new_lines: int
    size: Size
    repeats: int
    visits: int


FULL = Extent(1000, 100, 100_000, 100, Size(layers=24, hidden=1024, ffn=4096, heads=16), 7, 3)
QUICK = Extent(20, 3, 1000, 50, TINY, 1, 0)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small folders; writes nothing")
    parser.add_argument("--visits", action="store_true", help="first visits only; writes nothing")
    options = parser.parse_args(arguments)
    extent = QUICK if options.quick else FULL
    busy = round(os.getloadavg()[0], 1)
    with tempfile.TemporaryDirectory() as folder:
        act = measure_first_visits if options.visits else measure
        figures = act(Path(folder).resolve(), extent)
    generated = asdict(extent) | {"gates": make_layout(extent.size).num_gates}
    about = {**environment(), "load_average_before": busy, "generated": generated}
    result = {**about, "figures": figures}
    if not options.quick and not options.visits:
        write_result(RESULT, result)
    for row in figures:
        print(told(row))
    print(json.dumps(result))


def measure(folder: Path, extent: Extent) -> list[dict[str, Any]]:
    """Every figure, part by part, each on a folder of its own."""
    very_many = make_many(folder / "very_many", extent.very_many_runs)
    figures = measure_runs_page(very_many, folder / "very_many", extent.repeats)
    many = make_many(folder / "many", extent.many_runs)
    figures += measure_pages(many, folder / "many", extent.repeats)
    large = folder / "large"
    runs = make_large(large, extent.size)
    figures += measure_dimensions(runs, large, extent.repeats)
    figures += measure_prune(runs[0], large, extent.repeats)
    if extent.visits:
        figures += measure_visits(large, folder / "server", extent.visits)
    lines = extent.metric_lines, extent.new_lines
    return figures + measure_live(folder / "live", *lines, extent.repeats)


def measure_first_visits(folder: Path, extent: Extent) -> list[dict[str, Any]]:
    """Of every page, each once or more with a browser that was never there."""
    make_large(folder / "large", extent.size)
    return measure_visits(folder / "large", folder / "server", max(extent.visits, 1))


def make_large(folder: Path, size: Size) -> list[Run]:
    """Runs with gates of this size, the first with a curve."""
    runs = [
        make_run(folder, size=size, total_steps=STEPS, seed=seed, target_sparsity=TARGET)
        for seed in range(RUNS_COMPARED)
    ]
    make_curve(runs[0])
    return runs


if __name__ == "__main__":
    main()
