"""``report``: a run or a group as one HTML file that opens without a network."""

import argparse
import sys
from pathlib import Path
from typing import Any

from finegates.commands.options import add_command, add_runs_dir, runs_dir_of

_MORE = (
    "Figures can be zoomed; plotly.js is in the file, which loads nothing. A name that is a run's "
    "is taken for the run, any other for a group's."
)


def add(commands: Any) -> None:
    """Adds the command."""
    help = "write a run or a group as one HTML file"
    parser = add_command(commands, "report", help, _report, _MORE)
    add_runs_dir(parser)
    parser.add_argument("name", metavar="RUN_OR_GROUP", help="a run's id or a group's name")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.html")


def _report(options: argparse.Namespace) -> int:
    from finegates.errors import RunError
    from finegates.files.storage import write_atomically
    from finegates.groups.store import list_groups, open_group
    from finegates.reports.report import group_report, run_report
    from finegates.runs.folder import open_run
    from finegates.settings import user_path

    folder, name, out = runs_dir_of(options), options.name, user_path(str(options.out))
    if out.is_dir():
        raise RunError(f"'{out}' is a folder; give the name of a file, such as report.html.")
    if name in {group.name for group in list_groups(folder)} and not (folder / name).is_dir():
        content = group_report(open_group(folder, name), folder)
    else:
        content = run_report(open_run(folder, name))
    try:
        write_atomically(out, content.encode())
    except OSError as error:
        raise RunError(f"{out} can't be written: {error}.") from error
    print(f"{out}, {len(content) / 1e6:.1f} MB", file=sys.stderr)
    return 0
