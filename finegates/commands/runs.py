"""``runs``: list, show, rename, stop, resume or delete runs."""

import argparse
import sys
from dataclasses import asdict
from typing import Any

from finegates.commands.options import (
    add_command,
    add_launcher,
    add_runs_dir,
    given_launch,
    opened_run,
    percent,
    print_json,
    runs_dir_of,
)


def add(commands: Any) -> None:
    """Adds the commands."""
    runs = commands.add_parser("runs", help="list, show, rename, stop, resume or delete runs")
    actions = runs.add_subparsers(required=True, metavar="ACTION")
    for name, help, function in (
        ("list", "every run", _list),
        ("show", "one run in full", _show),
        ("rename", "call a run by a name of your own", _rename),
        ("stop", "finish the step, save and end", _stop),
        ("resume", "go on from the last checkpoint", _resume),
        ("delete", "move a run to the bin", _delete),
    ):
        parser = add_command(actions, name, help, function)
        add_runs_dir(parser)
        if name == "list":
            parser.add_argument("--json", action="store_true", help="one JSON array")
        else:
            parser.add_argument("run", help="the run's id")
        if name == "rename":
            parser.add_argument("name", help="one line; an empty one calls it by what it is again")
        if name == "resume":
            add_launcher(parser)


def _list(options: argparse.Namespace) -> int:
    from finegates.data.metric_kinds import score_text
    from finegates.errors import shortened
    from finegates.jobs.launchers.slurm_queue import look_after
    from finegates.runs.folder import list_runs
    from finegates.runs.label_errors import error_words

    look_after(runs_dir_of(options))
    rows = [run.row() for run in list_runs(runs_dir_of(options))]
    if options.json:
        print_json(rows)
    for row in [] if options.json else rows:
        removed = percent(row["removed_weights_fraction"])
        score = "-" if row["score"] is None else score_text(row["score"], row["metric"])
        numbers = f"{row['metric'] or '-'} {score}  removed {removed}"
        errors = f"  ({told})" if (told := error_words(row)) else ""
        print(f"{row['run']}  {row['status']:9} {numbers}{errors}  {shortened(row['name'])}")
    return 0


def _show(options: argparse.Namespace) -> int:
    from finegates.jobs.control import job_info
    from finegates.runs.launch import read_launch

    run = opened_run(options)
    job = job_info(run)
    print_json(
        {
            **run.row(),
            "spec": run.spec.to_dict(),
            "data": run.record["data"],
            "versions": run.record["versions"],
            "launch": asdict(read_launch(run.path)) | asdict(job) if job else None,
        },
        indent=1,
    )
    return 0


def _rename(options: argparse.Namespace) -> int:
    from finegates.runs.notes import rename_run

    run = opened_run(options)
    rename_run(run.path, options.name)
    print(f"{run.id} is called {run.row()['name']}", file=sys.stderr)
    return 0


def _stop(options: argparse.Namespace) -> int:
    from finegates.jobs.control import stop

    status = stop(opened_run(options))
    print(f"{status.state}: {status.reason}", file=sys.stderr)
    return 0 if status.is_over else 1


def _resume(options: argparse.Namespace) -> int:
    from finegates.jobs.control import resume

    resume(opened_run(options), launch=given_launch(options))
    return 0


def _delete(options: argparse.Namespace) -> int:
    from finegates.runs.bin import delete_run

    print(f"moved to {delete_run(opened_run(options))}", file=sys.stderr)
    return 0
