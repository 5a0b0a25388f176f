"""What the faults are done to: short real runs in processes of their own, and what must hold after.

Workers are forked from a process that has loaded torch once, so that a fault costs a second and not
the start of Python. Their pids, creation times and signals are real.
"""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np

from finegates.jobs import control as jobs
from finegates.jobs.inputs import check_inputs
from finegates.runs.folder import Run, create_run, current_rows
from finegates.runs.status import Status
from finegates.spec import RunSpec, make_spec
from finegates.training.session import LOG_STEPS
from tests.faults.garble import add_what_pages_add

EVAL_STEPS = 8
LONGEST_WAIT_S = 120.0
Fault = Callable[[], None]
"""Is called in the worker before it begins, to put a fault in its way."""

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["finegates.training.loop", "finegates.jobs.worker", "peft"])


@dataclass
class Bench:
    """A folder for runs, and what an undisturbed run of the same settings came to.

    Attributes:
        runs_dir: Where runs are made.
        spec: Of every run.
        data: What runs say of their data.
        reference: The undisturbed run.
        seconds: That it took.
    """

    runs_dir: Path
    spec: RunSpec
    data: dict[str, Any]
    reference: Run
    seconds: float

    def new_run(self, runs_dir: Path | None = None) -> Run:
        """A queued run."""
        return create_run(self.spec, self.data, runs_dir or self.runs_dir)


def make_bench(runs_dir: Path, model_dir: Path) -> Bench:
    """Trains the reference; the first of two, as the first pays for what is loaded late."""
    given = {
        "model": str(model_dir), "method": "finegates+lora", "max_train_samples": 64,
        "batch_size": 4, "epochs": 3, "eval_steps": EVAL_STEPS, "device": "cpu",
        "precision": "fp32",
    }  # fmt: skip
    spec, data = check_inputs(make_spec(given))
    for _ in range(2):
        run, started = create_run(spec, data, runs_dir), time.monotonic()
        finished(run, work(run))
        seconds = time.monotonic() - started
    add_what_pages_add(run)
    return Bench(runs_dir, spec, data, run, seconds)


def work(run: Run, fault: Fault | None = None) -> BaseProcess:
    """Starts a worker; a fault is done to it inside."""
    process = _FORKS.Process(target=_execute, args=(run.path, fault), daemon=True)
    process.start()
    return process


def _execute(path: Path, fault: Fault | None) -> None:
    import torch

    from finegates.jobs.worker import execute

    torch.set_num_threads(1)
    if fault:
        fault()
    execute(Run(path), "cpu")


def finished(run: Run, process: BaseProcess) -> Status:
    """Waits; the run has to have finished."""
    ended(process)
    status = run.status()
    assert status.state == "finished", (status.state, status.reason, run.log_tail())
    return status


def ended(process: BaseProcess) -> None:
    """Waits for a worker, however it ends."""
    process.join(LONGEST_WAIT_S)
    assert not process.is_alive(), "the worker does not end"


def kill(process: BaseProcess, number: int = signal.SIGKILL) -> None:
    """Sends a signal if it still lives, and waits."""
    if process.is_alive() and process.pid:
        os.kill(process.pid, number)
    ended(process)


def check_sound(run: Run) -> Status:
    """The run is readable, its state is true, and of no step that was done a row is missing.

    A step is logged before it is evaluated: who dies in between has no evaluation of it.
    """
    row, status = run.row(), run.status()
    assert row["status"] == status.state != "broken", row["reason"]
    assert not status.is_live, f"{status.state}, but nobody is at it"
    rows = current_rows(run.metrics_reader().read_new())
    evaluated = status.step if status.state == "finished" else status.step - 1
    for kind, every, last in (("train", LOG_STEPS, status.step), ("eval", EVAL_STEPS, evaluated)):
        there = [r["step"] for r in rows if r["kind"] == kind]
        expected = set(range(every, last + 1, every))
        assert expected <= set(there), f"{kind} rows of {sorted(expected - set(there))} are lost"
        assert len(there) == len(set(there)), f"{kind} rows stand twice"
    run.histograms_reader().read_new()
    for step in run.snapshot_steps():
        assert run.snapshot(step).step == step
    return status


def check_goes_on(bench: Bench, run: Run) -> None:
    """Resumed, it comes to the score and the gates of the undisturbed run."""
    if run.status().state != "finished":
        if run.status().state != "queued":
            jobs.resume(run, start=False)
        finished(run, work(run))
    status, reference = check_sound(run), bench.reference.status()
    assert (status.step, status.score) == (reference.step, reference.score)
    assert np.array_equal(run.snapshot().means, bench.reference.snapshot().means)
    assert not list(run.path.glob("*.part")), "a part of a file is left behind"
