"""``dispatch``, ``worker`` and ``answer``: what the program itself starts, not meant for people."""

import argparse
import contextlib
import os
import signal
from pathlib import Path
from typing import Any

from finegates.commands.options import add_command, add_runs_dir, print_json, runs_dir_of


def add(commands: Any) -> None:
    """Adds the commands."""
    dispatch = add_command(
        commands, "dispatch", "start queued runs (used by launch and sweep)", _dispatch
    )
    add_runs_dir(dispatch)
    worker = add_command(commands, "worker", "carry out one run (used by dispatch)", _worker)
    worker.add_argument("run_folder", type=Path)
    worker.add_argument("--device", required=True)
    answer = add_command(commands, "answer", "try one run on texts (used by the page)", _answer)
    answer.add_argument("run_folder", type=Path)
    answer.add_argument("--idle-s", type=float, help="seconds without a question until it ends")


def _dispatch(options: argparse.Namespace) -> int:
    from finegates.jobs.dispatcher import dispatch

    dispatch(runs_dir_of(options))
    return 0


def _worker(options: argparse.Namespace) -> int:
    from finegates.commands.progress import print_progress
    from finegates.jobs.worker import assist, execute
    from finegates.machine.accelerate import (
        end_as,
        is_main_process,
        train_together,
        was_launched,
    )
    from finegates.runs.folder import Run

    run = Run(options.run_folder)
    if run.spec.num_processes > 1 and not was_launched():
        return end_as(train_together(run.path, options.device, run.spec.num_processes))
    if not is_main_process():
        assist(run, options.device)
        return 0
    print(f"{run.id} on {options.device}: {run.record['command']}", flush=True)
    status = execute(run, options.device, print_progress)
    print(f"{status.state} {status.reason}".strip(), flush=True)
    left_alone = was_launched() and status.pid != os.getpid()  # the others wait for this process
    return 1 if status.state == "failed" or left_alone else 0


def _answer(options: argparse.Namespace) -> int:
    from finegates.runs.folder import Run
    from finegates.trying.messages import IDLE_S
    from finegates.trying.server import serve

    signal.signal(signal.SIGTERM, _end)
    run, ended = Run(options.run_folder), {"ended": "was asked to"}
    with contextlib.suppress(SystemExit):  # asked to end, which is no failure
        answered = serve(run, IDLE_S if options.idle_s is None else options.idle_s)
        ended = {"ended": "nobody asked any more", "answered": str(answered)}
    print_json({"run": run.id, **ended})
    return 0


def _end(number: int, frame: object) -> None:
    raise SystemExit(0)
