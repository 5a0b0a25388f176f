"""Carries out queued runs in a few processes that stay, where hundreds of runs are seconds long.

A process of its own for each, as the queue has it, would load torch every time: as long as the run.
"""

import multiprocessing
import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from finegates.groups.store import Group, open_group
from finegates.machine.devices import list_devices, runs_at_once, worker_environment
from finegates.runs.folder import open_run

RUNS_OF_A_PROCESS = 40
"""Then another takes its place, and whatever it still held is free."""


def carry_out(groups: Iterable[Group], runs_dir: Path) -> None:
    """Trains what is queued of these groups: on the CPU ``FINEGATES_CPU_WORKERS`` at once.

    Args:
        groups: From `finegates.groups.sweep.start_sweep`, with ``start=False``.
        runs_dir: Their folder, for which no dispatcher may be at work.
    """
    runs = [open_run(runs_dir, run) for g in groups for run in open_group(runs_dir, g.name).runs]
    queued = [run.path for run in runs if run.status().state == "queued"]
    device = list_devices()[0].name
    os.environ.update(worker_environment(device))  # inherited by those that are started below
    workers, context = runs_at_once(device), multiprocessing.get_context("spawn")
    while queued:  # Python 3.11 stands still where a pool replaces its own processes
        part, queued = queued[: RUNS_OF_A_PROCESS * workers], queued[RUNS_OF_A_PROCESS * workers :]
        with ProcessPoolExecutor(workers, mp_context=context) as processes:
            for ended in processes.map(_execute, part, [device] * len(part)):
                print(ended, flush=True)


def _execute(path: Path, device: str) -> str:
    from finegates.jobs.worker import execute  # in a process of its own only: it loads torch

    run = open_run(path.parent, path.name)
    status = execute(run, device)
    return f"{run.id} {status.state} {status.score} {status.reason}"
