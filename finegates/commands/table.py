"""``table``: scores by method and target, medians over seeds, with what is missing."""

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finegates.commands.options import add_command, add_runs_dir, print_json, runs_dir_of
from finegates.errors import RunError
from finegates.settings import words_of

if TYPE_CHECKING:
    from finegates.results.rows import RunRow

_ALL = "all"
_MORE = (
    "Rows are methods, columns targets; a seed that is missing is named, never filled, and runs "
    "that differ in more than the seed are never averaged. Points that `evaluate` made stand as "
    "rows of their own."
)


def add(commands: Any) -> None:
    """Adds the command."""
    parser = add_command(commands, "table", "scores by method and target", _table, _MORE)
    add_runs_dir(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--group", nargs="+", action="extend", metavar="NAME", help="of these groups"
    )
    which.add_argument(
        "--runs", default=_ALL, metavar="all|A,B,...", help="of these runs. Default: all."
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON array of points")
    form.add_argument("--csv", action="store_true", help="a line for each point")
    form.add_argument("--markdown", action="store_true", help="for a document")


def _table(options: argparse.Namespace) -> int:
    from finegates.results.aggregate import points
    from finegates.results.tables import as_csv, as_markdown, as_text, blocks_of
    from finegates.runs.folder import BROKEN

    rows = _rows(options, runs_dir_of(options))
    found = points(rows)
    for row in rows:
        if row.status == BROKEN:
            print(f"left out: {row.reason}", file=sys.stderr)
    if options.json:
        print_json([dataclasses.asdict(point) for point in found])
    elif options.csv:
        print(as_csv(found))
    else:
        print((as_markdown if options.markdown else as_text)(blocks_of(found)))
    return 0


def _rows(options: argparse.Namespace, runs_dir: Path) -> "list[RunRow]":
    from finegates.groups.store import open_group
    from finegates.results.rows import group_rows, run_rows
    from finegates.runs.folder import list_runs, open_run

    if options.group:
        names = dict.fromkeys(options.group)
        return [row for name in names for row in group_rows(open_group(runs_dir, name), runs_dir)]
    if options.runs == _ALL:
        rows = run_rows(list_runs(runs_dir))
    else:
        rows = run_rows(open_run(runs_dir, name) for name in words_of(options.runs))
    if not rows:
        raise RunError(f"No run in {runs_dir} has finished; there is nothing to show.")
    return rows
