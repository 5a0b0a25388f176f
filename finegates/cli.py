"""The command line: ``python -m finegates train|compress|sweep|table|report|evaluate|prune|...``.

Flags of a run are made from `finegates.spec.RunSpec`. The last line that ``train``, ``compress``,
``sweep``, ``evaluate``, ``prune``, ``export``, ``bench``, ``params`` and ``--json`` print to stdout
is JSON; progress and messages go to stderr.
Exit codes: 0 done, 1 a run failed, 2 something the user can mend, 130 interrupted, 141 nobody reads
what is printed.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from finegates import __version__
from finegates.commands import (
    background,
    bench,
    compress,
    evaluate,
    export,
    fit,
    lm_eval,
    params,
    prune,
    report,
    runs,
    sweep,
    table,
    train,
)
from finegates.commands.first_use import make_ready
from finegates.errors import FineGatesError
from finegates.files.terminal import write_plainly_where_needed

_COMMANDS = (
    train, compress, fit, sweep, table, report, evaluate, prune, export, bench, runs, params,
    lm_eval, background,
)  # fmt: skip

NOBODY_READS = 141
"""128 + SIGPIPE, as shells report a program that wrote to a closed pipe."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code."""
    write_plainly_where_needed()
    try:
        try:
            return _run(arguments)
        finally:
            sys.stdout.flush()  # here, where a reader that is gone can still be dealt with
    except BrokenPipeError:  # as in `finegates params | head -1`
        _silence()
        return NOBODY_READS


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="finegates", description="Learn which rows and columns of a transformer a task needs."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in _COMMANDS:
        module.add(commands)
    return parser


def _run(arguments: Sequence[str] | None) -> int:
    options = build_parser().parse_args(arguments)
    try:
        make_ready(options)
        return options.command(options)
    except FineGatesError as error:
        print("error:", str(error).replace("\n", " "), file=sys.stderr)
        return 2


def _silence() -> None:
    """Sends what is still to be printed nowhere, or the interpreter would complain at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
