"""Very many queued runs on one machine: their order, the app meanwhile, memory and CPU time.

    python -m benchmarks.queue [--runs 200] [--out benchmarks/results/queue.json]

Queues real runs of a model of two layers of 16 on the bundled sample, one epoch of 64 rows, in a
temporary folder, and lets one dispatcher start them, two at once on the CPU, until none is left:
most of what a run takes is the start of its process. The app's server is at work, and one window of
Chromium stays open on the Runs page and refreshes itself. Before, halfway and after, pages are
looked at for the first time: in Chromium, by a window that has nothing of the app yet; and by
Streamlit's AppTest with empty caches, which is the server's part alone. A share of a core is CPU
time over time. Needs Chromium and the packages of the tests. The last line printed is the JSON.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import psutil

from benchmarks.app import told
from benchmarks.clock import figure, milliseconds
from benchmarks.drained import (
    Sample,
    dispatcher_figures,
    once_figures,
    order_figures,
    server_figures,
    take_sample,
)
from benchmarks.opened import RUNS, OpenedApp, opened_app, save_toy_model
from benchmarks.record import RESULTS, environment, write_result
from finegates.jobs import control as jobs
from finegates.jobs.dispatcher import DISPATCHER_LOG
from finegates.machine.devices import CPU_WORKERS_VARIABLE
from finegates.machine.processes import start_process
from finegates.runs.folder import Run
from finegates.spec import RunSpec, make_spec

RESULT = "queue.json"
AT_ONCE, SAMPLE_MS, SAMPLES_KEPT, SUBMITS_TOLD = 2, 1000, 20, 10
FEWEST = 4
BEGIN_S = 60.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=200, help=f"at least {FEWEST}")
    parser.add_argument("--out", type=Path, default=RESULTS / RESULT)
    options = parser.parse_args(arguments)
    if options.runs < FEWEST:
        parser.error(f"--runs is {options.runs}; it has to be at least {FEWEST}.")
    about = {"load_average_before": round(os.getloadavg()[0], 1), "at_once": AT_ONCE}
    with tempfile.TemporaryDirectory() as place:
        measured = measure(Path(place).resolve(), options.runs)
    result = {**environment(), **about, **measured}
    write_result(str(options.out.resolve()), result)
    for row in result["figures"]:
        print(told(row))
    print(json.dumps(result))


def measure(place: Path, number: int) -> dict[str, Any]:
    """Every figure, and some of the samples that they are made of."""
    (runs_dir := place / "queue").mkdir()  # "runs" is the server's link to it
    spec = tiny_spec(save_toy_model(place / "model"))
    runs, figures = queue(spec, runs_dir, number)
    with opened_app(place, runs_dir) as app, dispatching(runs_dir, runs) as dispatcher:
        began = wait_until_begun(runs[0])
        samples, seen = drain(runs, dispatcher, app, runs_dir)
        figures += [*seen, figure("draining", [time.monotonic() - began], "s")]
        figures += app.looks(runs_dir, f"{number:,} over")
    figures += server_figures(samples[1:] or samples) + dispatcher_figures(samples)
    figures += once_figures(runs) + order_figures([run.status() for run in runs], AT_ONCE)
    settings = {k: v for k, v in spec.to_dict().items() if k != "model"}
    kept = [asdict(sample) for sample in samples[:: max(1, len(samples) // SAMPLES_KEPT)]]
    return {"runs": number, "settings": settings, "figures": figures, "samples": kept}


def tiny_spec(model: Path) -> RunSpec:
    """A real run of the default method that trains for about a second."""
    short = {"max_train_samples": 64, "epochs": 1, "batch_size": 16, "max_length": 32}
    return make_spec({"model": str(model), "device": "cpu", "precision": "fp32", **short})


def queue(spec: RunSpec, runs_dir: Path, number: int) -> tuple[list[Run], list[dict[str, Any]]]:
    """Queues runs that differ in their seed, each as a page does, and how long that takes.

    The very first is not told: it loads what reading data takes.
    """
    runs: list[Run] = []

    def submit_next() -> None:
        runs.append(jobs.submit(replace(spec, seed=len(runs)), runs_dir, start=False))

    times = [milliseconds(submit_next) for _ in range(number)]
    parts = {"first": times[1 : 1 + SUBMITS_TOLD], "last": times[-SUBMITS_TOLD:]}
    return runs, [figure(f"submit, of the {which} runs", took) for which, took in parts.items()]


@contextmanager
def dispatching(runs_dir: Path, runs: Sequence[Run]) -> Iterator[subprocess.Popen]:
    """A dispatcher at work. If what is done meanwhile fails, it is ended, and its workers too."""
    with open(runs_dir / DISPATCHER_LOG, "ab") as log:
        words = ["dispatch", "--runs-dir", str(runs_dir)]
        process = start_process(words, log, {CPU_WORKERS_VARIABLE: str(AT_ONCE)})
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for run in runs:
            if run.status().is_live:
                jobs.kill(run)


def wait_until_begun(run: Run) -> float:
    """When the first worker was at work.

    Raises:
        RuntimeError: If it does not begin within a minute.
    """
    deadline = time.monotonic() + BEGIN_S
    while run.status().state == "queued":
        if time.monotonic() > deadline:
            raise RuntimeError(f"{run.id} is still queued after {BEGIN_S:.0f} s.")
        time.sleep(0.05)
    return time.monotonic()


def drain(
    runs: Sequence[Run], dispatcher: subprocess.Popen, app: OpenedApp, runs_dir: Path
) -> tuple[list[Sample], list[dict[str, Any]]]:
    """Samples until the dispatcher has ended, and what is seen of the app at first and halfway.

    The first sample is from before the first looks, at which the server loads what pages need; then
    they are about a second apart.
    """
    number, process, window = len(runs), psutil.Process(dispatcher.pid), app.open(RUNS)
    moments = {number: f"{number:,} queued", number // 2: f"half of {number:,} waiting"}
    samples: list[Sample] = []
    figures: list[dict[str, Any]] = []
    while dispatcher.poll() is None:
        waiting = sum(run.status().state == "queued" for run in runs)
        if (sample := take_sample(process, app.process, waiting)) is None:
            break
        samples.append(sample)
        if moments and waiting <= max(moments):
            figures += app.looks(runs_dir, moments.pop(max(moments)))
        window.wait_for_timeout(SAMPLE_MS)  # not `sleep`: it hears what the window says
    return samples, figures


if __name__ == "__main__":
    main()
