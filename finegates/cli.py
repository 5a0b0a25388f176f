"""The command line: ``python -m finegates train|launch|runs|params``.

Flags of a run are made from `finegates.spec.RunSpec`. The last line that ``train``, ``params`` and
``--json`` print to stdout is JSON; progress and messages go to stderr. Exit codes: 0 done, 1 the
run failed, 2 something the user can mend.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_type_hints

from finegates import __version__
from finegates.errors import FineGatesError
from finegates.settings import allowed_range, base_type
from finegates.spec import FIELDS, RunSpec, make_spec


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code."""
    options = build_parser().parse_args(arguments)
    try:
        return options.command(options)
    except FineGatesError as error:
        print("error:", str(error).replace("\n", " "), file=sys.stderr)
        return 2


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="finegates", description="Learn which rows and columns of a transformer a task needs."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_run_command(commands, "train", "train in the foreground", _train)
    _add_run_command(commands, "launch", "train in the background; prints the run's id", _launch)
    _add_runs_commands(commands)
    params = _add_command(commands, "params", "count trainable parameters", _params)
    params.add_argument(
        "--model", default=FIELDS["model"].default, help=FIELDS["model"].metadata["help"]
    )
    params.add_argument("--json", action="store_true", help="print the JSON line only")
    dispatch = _add_command(commands, "dispatch", "start queued runs (used by launch)", _dispatch)
    _add_runs_dir(dispatch)
    worker = _add_command(commands, "worker", "carry out one run (used by dispatch)", _worker)
    worker.add_argument("run_folder", type=Path)
    worker.add_argument("--device", required=True)
    return parser


def _add_command(commands: Any, name: str, help: str, function: Any) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=help, description=help)
    parser.set_defaults(command=function)
    return parser


def _add_run_command(commands: Any, name: str, help: str, function: Any) -> None:
    parser = _add_command(commands, name, help, function)
    _add_runs_dir(parser)
    hints = get_type_hints(RunSpec)
    groups: dict[str, Any] = {}
    for field in FIELDS.values():
        group = field.metadata["group"]
        groups.setdefault(group, parser.add_argument_group(group))
        _add_setting(groups[group], field, base_type(hints[field.name])[0])


def _add_setting(group: Any, field: Any, kind: type) -> None:
    meta = field.metadata
    flag = "--" + field.name.replace("_", "-")
    default = field.default if field.default is not None else "none"
    words = [meta["help"], f"Allowed: {', '.join(meta['choices'])}." if meta["choices"] else ""]
    words += [f"({allowed_range(meta)})" if allowed_range(meta) else "", f"Default: {default}."]
    help = " ".join(filter(None, words)).replace("%", "%%")
    if kind is bool:
        group.add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=help)
    elif kind is tuple:
        group.add_argument(flag, type=_comma_separated, metavar="A,B,...", help=help)
    else:
        group.add_argument(flag, type=kind, metavar=kind.__name__.upper(), help=help)


def _comma_separated(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _add_runs_dir(parser: argparse.ArgumentParser) -> None:
    help = "folder of all runs; default: $FINEGATES_RUNS_DIR, else cached_runs"
    parser.add_argument("--runs-dir", type=Path, help=help)


def _add_runs_commands(commands: Any) -> None:
    runs = commands.add_parser("runs", help="list, show, stop, resume or delete runs")
    actions = runs.add_subparsers(required=True, metavar="ACTION")
    for name, help, function in (
        ("list", "every run", _list_runs),
        ("show", "one run in full", _show_run),
        ("stop", "finish the step, save and end", _stop_run),
        ("resume", "go on from the last checkpoint", _resume_run),
        ("delete", "move a run to the bin", _delete_run),
    ):
        parser = _add_command(actions, name, help, function)
        _add_runs_dir(parser)
        if name == "list":
            parser.add_argument("--json", action="store_true", help="one JSON array")
        else:
            parser.add_argument("run", help="the run's id")


def _given_spec(options: argparse.Namespace) -> RunSpec:
    return make_spec({name: getattr(options, name) for name in FIELDS})


def _runs_dir(options: argparse.Namespace) -> Path:
    from finegates.runs import default_runs_dir

    return (options.runs_dir or default_runs_dir()).resolve()


def _train(options: argparse.Namespace) -> int:
    from finegates.devices import matching_devices
    from finegates.inputs import check_inputs
    from finegates.progress import ProgressBar
    from finegates.runs import create_run
    from finegates.worker import execute

    spec, data = check_inputs(_given_spec(options))
    run = create_run(spec, data, _runs_dir(options))
    print(f"run {run.id}; target: {spec.target_meaning}", file=sys.stderr)
    with ProgressBar() as progress:
        status = execute(run, matching_devices(spec.device)[0].name, progress)
    _print_json(run.row())
    if status.state == "failed":
        print(f"error: {status.reason}", file=sys.stderr)
    return 1 if status.state == "failed" else 0


def _launch(options: argparse.Namespace) -> int:
    from finegates.jobs import submit

    print(submit(_given_spec(options), _runs_dir(options)).id)
    return 0


def _list_runs(options: argparse.Namespace) -> int:
    from finegates.runs import list_runs

    rows = [run.row() for run in list_runs(_runs_dir(options))]
    if options.json:
        _print_json(rows)
    for row in [] if options.json else rows:
        removed, score = (_percent(row[k]) for k in ("removed_weights_fraction", "score"))
        print(f"{row['run']}  {row['status']:9} {row['metric'] or '-'} {score}  removed {removed}")
    return 0


def _percent(fraction: float | None) -> str:
    return "-" if fraction is None else f"{100 * fraction:.1f}%"


def _show_run(options: argparse.Namespace) -> int:
    run = _opened(options)
    _print_json(
        {
            **run.row(),
            "spec": run.spec.to_dict(),
            "data": run.record["data"],
            "versions": run.record["versions"],
        },
        indent=1,
    )
    return 0


def _stop_run(options: argparse.Namespace) -> int:
    from finegates.jobs import stop

    status = stop(_opened(options))
    print(f"{status.state}: {status.reason}", file=sys.stderr)
    return 0 if status.is_over else 1


def _resume_run(options: argparse.Namespace) -> int:
    from finegates.jobs import resume

    resume(_opened(options))
    return 0


def _delete_run(options: argparse.Namespace) -> int:
    from finegates.runs import delete_run

    print(f"moved to {delete_run(_opened(options))}", file=sys.stderr)
    return 0


def _opened(options: argparse.Namespace) -> Any:
    from finegates.runs import open_run

    return open_run(_runs_dir(options), options.run)


def _params(options: argparse.Namespace) -> int:
    from finegates.models import model_sizes
    from finegates.param_table import parameter_table

    table = parameter_table(model_sizes(options.model))
    for row in [] if options.json else table["rows"]:
        print(f"{row['trainable_params']:>12,}  {row['configuration']}")
    _print_json({"model": options.model, **table})
    return 0


def _dispatch(options: argparse.Namespace) -> int:
    from finegates.dispatcher import dispatch

    dispatch(_runs_dir(options))
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


def _print_json(content: Any, indent: int | None = None) -> None:
    print(json.dumps(content, indent=indent), flush=True)
