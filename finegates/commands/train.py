"""``train`` and ``launch``: one run, in the foreground or behind it."""

import argparse
import sys
from pathlib import Path
from typing import Any

from finegates.commands.options import (
    add_command,
    add_launcher,
    add_runs_dir,
    add_settings,
    given_launch,
    given_settings,
    print_json,
    runs_dir_of,
)
from finegates.errors import SpecError
from finegates.machine.processes import start_process
from finegates.runs.folder import Run
from finegates.runs.launch import HERE
from finegates.runs.status import Status
from finegates.runs.stop_request import ask_to_stop
from finegates.spec import RunSpec, make_spec


def add(commands: Any) -> None:
    """Adds the commands."""
    for name, help, function in (
        ("train", "train in the foreground", _train),
        ("launch", "train in the background; prints the run's id", _launch),
    ):
        parser = add_command(commands, name, help, function)
        add_runs_dir(parser)
        if name == "launch":
            add_launcher(parser)
        add_settings(parser)


def _train(options: argparse.Namespace) -> int:
    run = train_here(make_spec(given_settings(options)), runs_dir_of(options))
    print_json(run.row())
    return 1 if run.status().state == "failed" else 0


def train_here(spec: RunSpec, runs_dir: Path) -> Run:
    """Checks and trains a run in the foreground; what is to be told goes to stderr.

    Raises:
        FineGatesError: If the run could not work; else its status says how it ended.
    """
    from finegates.commands.findings import print_findings, print_warnings
    from finegates.commands.progress import ProgressBar
    from finegates.jobs.inputs import check_inputs
    from finegates.jobs.worker import execute
    from finegates.machine.accelerate import was_launched
    from finegates.machine.devices import matching_devices, place_for
    from finegates.runs.folder import create_run

    if was_launched():
        raise SpecError(
            "train was started by accelerate launch or torchrun, which would make a run in each "
            "process; start it alone, with --num-processes N."
        )
    spec, data = check_inputs(spec, runs_dir=runs_dir)
    print_findings(spec)
    print_warnings(spec, data)
    run = create_run(spec, data, runs_dir)
    print(f"run {run.id}; target: {spec.target_meaning}", file=sys.stderr)
    device = place_for(spec.num_processes, matching_devices(spec.device)) or spec.device
    if spec.num_processes > 1:
        status = _train_together(run, device)
    else:
        with ProgressBar() as progress:
            status = execute(run, device, progress)
    if status.state == "failed":
        print(f"error: {status.reason}", file=sys.stderr)
    return run


def _train_together(run: Run, device: str) -> Status:
    """In processes of their own; the first Ctrl+C asks them to stop, the second leaves them."""
    words = ["worker", str(run.path), "--device", device]
    process = start_process(words, sys.stderr.buffer)
    try:
        process.wait()
    except KeyboardInterrupt:
        ask_to_stop(run.path)
        process.wait()
    return run.status()


def _launch(options: argparse.Namespace) -> int:
    from finegates.commands.findings import print_findings, print_warnings
    from finegates.jobs.control import submit

    launch, spec = given_launch(options) or HERE, make_spec(given_settings(options))
    run = submit(spec, runs_dir_of(options), launch=launch)
    print(run.id)
    print_findings(spec)
    print_warnings(run.spec, run.record["data"])
    return 0
