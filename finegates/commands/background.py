"""``dispatch`` and ``worker``: what `finegates.dispatcher` starts, not meant for people."""

import argparse
from pathlib import Path
from typing import Any

from finegates.commands.options import add_command, add_runs_dir, runs_dir_of


def add(commands: Any) -> None:
    """Adds the commands."""
    dispatch = add_command(
        commands, "dispatch", "start queued runs (used by launch and sweep)", _dispatch
    )
    add_runs_dir(dispatch)
    worker = add_command(commands, "worker", "carry out one run (used by dispatch)", _worker)
    worker.add_argument("run_folder", type=Path)
    worker.add_argument("--device", required=True)


def _dispatch(options: argparse.Namespace) -> int:
    from finegates.dispatcher import dispatch

    dispatch(runs_dir_of(options))
    return 0


def _worker(options: argparse.Namespace) -> int:
    from finegates.progress import print_progress
    from finegates.runs import Run
    from finegates.worker import execute

    run = Run(options.run_folder)
    print(f"{run.id} on {options.device}: {run.record['command']}", flush=True)
    status = execute(run, options.device, print_progress)
    print(f"{status.state} {status.reason}".strip(), flush=True)
    return 1 if status.state == "failed" else 0
