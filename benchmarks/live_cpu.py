"""What an open Live page takes of the processor: the server's part, and Chromium's.

    python -m benchmarks.live_cpu [--quick]

A pretended run grows as a worker writes it, two lines a second with gates as many as MiniLM-L6 has;
a paused and a finished one stand still; of the first, a window that is hidden is measured too. Each
is open in a real Chromium for a minute, drawn without a GPU. Writes
``benchmarks/results/live_cpu.json``; shares are of one core. ``--quick`` looks for two seconds at
each and writes nothing. The last line printed is that JSON.
"""

import argparse
import json
import os
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from playwright.sync_api import Page

from benchmarks.clock import figure, told
from benchmarks.live import train_row
from benchmarks.opened import OpenedApp, opened_app
from benchmarks.record import environment, write_result
from finegates.files.storage import append_line
from finegates.gates.laws import GaussianLaw
from finegates.gates.removal import histogram
from finegates.gates.snapshots import Snapshot, save_snapshot
from finegates.runs.folder import HISTOGRAMS_FILE, METRICS_FILE, Run
from finegates.runs.status import write_status
from tests.app.fake_runs import MINILM, make_layout, make_run
from tests.browser.steps import no_exception, wait_until_drawn

RESULT = "live_cpu.json"
GOAL = 0.05
"""Of a core, server and browser together."""
TOTAL_STEPS, EVALUATE_EVERY, TARGET = 2000, 50, 0.4
HIDE = """() => {
  Object.defineProperty(document, 'visibilityState', {value: 'hidden', configurable: true});
  Object.defineProperty(document, 'hidden', {value: true, configurable: true});
  document.dispatchEvent(new Event('visibilitychange'));
}"""
"""Playwright keeps every window visible; this is what a page sees of a tab in the background."""


@dataclass(frozen=True)
class Extent:
    """How long is looked, how long is waited before, and how fast the run grows."""

    seconds: float
    rest_s: float
    lines_per_s: float


FULL, QUICK = Extent(60, 12, 2.0), Extent(2, 0.5, 5.0)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two seconds each; writes nothing")
    options = parser.parse_args(arguments)
    extent = QUICK if options.quick else FULL
    busy = round(os.getloadavg()[0], 1)
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder).resolve(), extent)
    about = {**environment(), "load_average_before": busy, "lines_per_s": extent.lines_per_s}
    result = {**about, "seconds": extent.seconds, "figures": figures}
    if not options.quick:
        write_result(RESULT, result)
    for row in figures:
        print(told(row))
    print(json.dumps(result))


def measure(folder: Path, extent: Extent) -> list[dict[str, Any]]:
    """Every state of a run, one after the other, each alone in the browser."""
    runs_dir, place = folder / "runs", folder / "server"
    place.mkdir()
    runs = {
        state: make_run(
            runs_dir, state, size=MINILM, target_sparsity=TARGET, total_steps=TOTAL_STEPS,
            progress=1.0 if state == "finished" else 0.2,
        )
        for state in ("running", "paused", "finished")
    }  # fmt: skip
    figures = []
    with opened_app(place, runs_dir) as app:
        for state, run in runs.items():
            with growing(run, extent.lines_per_s if state == "running" else 0.0):
                figures += _looked_at(app, [run], state, extent)
                if state == "running":
                    figures += _looked_at(app, [run], "running, hidden", extent, hidden=True)
        figures += _looked_at(app, [runs["paused"]] * 2, "paused, two windows", extent)
    return figures


def _looked_at(
    app: OpenedApp, runs: Sequence[Run], what: str, extent: Extent, hidden: bool = False
) -> list[dict[str, Any]]:
    """Windows open on these runs, one each: shares of a core, of the server and of Chromium."""
    pages = [app.open(f"live?run={run.id}") for run in runs]
    for page in pages:
        wait_until_drawn(page)
        if hidden:
            page.evaluate(HIDE)
    time.sleep(extent.rest_s)
    chromium = _chromium()
    before = [_used([app.process]), _used(chromium)]
    time.sleep(extent.seconds)
    after = [_used([app.process]), _used(chromium)]
    _close(pages)
    shares = [(late - early) / extent.seconds for early, late in zip(before, after, strict=True)]
    name = f"live, {what}"
    return [
        figure(f"{name}: server", [shares[0]], "of a core"),
        figure(f"{name}: Chromium", [shares[1]], "of a core"),
        figure(f"{name}: both", [sum(shares)], "of a core", goal=GOAL),
    ]


def _close(pages: Iterable[Page]) -> None:
    for page in pages:
        no_exception(page)
        page.context.close()


def _chromium() -> list[psutil.Process]:
    """This program's Chromium, without the driver that steers it."""
    return [p for p in psutil.Process().children(recursive=True) if "chrom" in p.name()]


def _used(processes: Iterable[psutil.Process]) -> float:
    """Seconds of the processor so far; a process that has ended takes none."""
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


@contextmanager
def growing(run: Run, lines_per_s: float) -> Iterator[None]:
    """While this is open, the run goes on as a worker has it: lines, histograms, evaluations."""
    over = threading.Event()
    thread = threading.Thread(target=_grow, args=(run, lines_per_s, over), daemon=True)
    if lines_per_s:
        thread.start()
    try:
        yield
    finally:
        over.set()
        if lines_per_s:
            thread.join()


def _grow(run: Run, lines_per_s: float, over: threading.Event) -> None:
    layout, rng, law = make_layout(MINILM), np.random.default_rng(0), GaussianLaw()
    means = rng.normal(0.3, 0.3, layout.num_gates).astype(np.float32)
    step = run.status().step
    while not over.wait(1 / lines_per_s):
        step += 1
        means -= np.float32(1e-4)
        row = train_row(step, rng) | {"time": time.time(), "current_target": TARGET}
        append_line(run.path / METRICS_FILE, row)
        counts = {v.name: histogram(law.value(means[v.slice])) for v in layout.vectors}
        append_line(run.path / HISTOGRAMS_FILE, {"step": step, "counts": counts})
        if step % EVALUATE_EVERY == 0:
            evaluation = {"kind": "eval", "step": step, "time": time.time(), "score": 0.8,
                          "removed_weights_fraction": 0.3, "rounded": False}  # fmt: skip
            append_line(run.path / METRICS_FILE, evaluation)
            save_snapshot(
                run.path / "gates", Snapshot(step, layout, law, means), full_precision=False
            )
        status = replace(run.status(), step=step, heartbeat=time.time())
        write_status(run.path, status)


if __name__ == "__main__":
    main()
