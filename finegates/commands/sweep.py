"""``sweep``: methods x targets x seeds as one group, followed until the last run is over."""

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

from finegates.commands.follow import INTERRUPTED, follow
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
from finegates.settings import numbers_of, words_of
from finegates.spec import FIELDS, make_spec

DATA_AND_MODEL = {n for n, f in FIELDS.items() if f.metadata["group"] in ("Data", "Model")}
DEFAULT_TARGETS = "0,0.1,0.2,0.3,0.4"
DEFAULT_SEEDS = "0,1,2"
_MORE = (
    "The runs wait in the queue like any other and go on if this command ends; the same command, "
    "or --name alone, comes back to them, resumes what failed or was stopped, and repeats nothing. "
    "On the CPU one run trains at a time, unless FINEGATES_CPU_WORKERS=N allows N at once; each "
    "then gets cores // N threads."
)


def add(commands: Any) -> None:
    """Adds the command."""
    parser = add_command(commands, "sweep", "train methods x targets x seeds", _sweep, _MORE)
    add_runs_dir(parser)
    parser.add_argument("--methods", metavar="A,B,...", help="methods to compare")
    parser.add_argument(
        "--targets",
        metavar="A,B,...",
        help=f"target sparsities, 0 to {FIELDS['target_sparsity'].metadata['maximum']}; a method "
        f"that removes nothing is run once a seed. Default: {DEFAULT_TARGETS}.",
    )
    parser.add_argument("--seeds", metavar="A,B,...", help=f"seeds. Default: {DEFAULT_SEEDS}.")
    parser.add_argument("--name", help="name of the group; default: sweep-<date>-<task>")
    parser.add_argument("--detach", action="store_true", help="queue the runs and return")
    add_launcher(parser)
    add_settings(parser, without=("method", "target_sparsity", "seed"))


def _sweep(options: argparse.Namespace) -> int:
    from finegates.groups.progress import progress_of

    runs_dir = runs_dir_of(options)
    group = _started(options, runs_dir)
    print(f"group {group.name}: {len(group.cells)} runs in {runs_dir}", file=sys.stderr)
    try:
        progress = progress_of(group, runs_dir) if options.detach else follow(group, runs_dir)
    except KeyboardInterrupt:
        print(_how_to_come_back(group.name, options.runs_dir), file=sys.stderr)
        return INTERRUPTED
    failed = len(progress.failed)
    result = {"group": group.name, "finished": progress.num_finished, "failed": failed}
    print_json({**result, "runs": group.runs})
    return 1 if failed else 0


def _started(options: argparse.Namespace, runs_dir: Path) -> Any:
    """The group that was asked for, with every run of it queued or done."""
    from finegates.commands.findings import print_findings, print_warnings
    from finegates.groups.store import open_group
    from finegates.groups.sweep import start_sweep, submit_missing
    from finegates.runs.folder import open_run

    settings, launch = given_settings(options), given_launch(options)
    if options.name is not None and not options.name.strip():
        raise SpecError("name is empty; give one, or leave --name out.")
    if options.methods is None and options.name is not None:
        if settings or options.targets is not None or options.seeds is not None:
            raise SpecError(
                "methods is empty; give --methods for a new sweep, or --name alone to go on with "
                f"'{options.name}' as it was made."
            )
        return submit_missing(open_group(runs_dir, options.name), runs_dir, launch=launch)
    group = start_sweep(runs_dir, options.name, settings, _cells(options), launch)
    print_findings(make_spec({k: v for k, v in settings.items() if k in DATA_AND_MODEL}))
    last_of_each = {cell.method: cell.run for cell in group.cells if cell.run}
    for run in (open_run(runs_dir, name) for name in last_of_each.values()):
        print_warnings(run.spec, run.record["data"])
    return group


def _cells(options: argparse.Namespace) -> list[Any]:
    from finegates.groups.sweep import plan

    targets, seeds = (FIELDS[name].metadata for name in ("target_sparsity", "seed"))
    given_targets = DEFAULT_TARGETS if options.targets is None else options.targets
    given_seeds = DEFAULT_SEEDS if options.seeds is None else options.seeds
    return plan(
        words_of(options.methods or ""),
        numbers_of("targets", given_targets, float, targets),
        numbers_of("seeds", given_seeds, int, seeds),
    )


def _how_to_come_back(name: str, runs_dir: Path | None) -> str:
    words = ["python", "-m", "finegates", "sweep", "--name", name]
    words += ["--runs-dir", str(runs_dir)] if runs_dir else []
    return f"\nThe runs go on in the background. To come back: {shlex.join(words)}"
