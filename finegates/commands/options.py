"""What several commands share: flags made from settings, the runs folder, one line of JSON."""

import argparse
import json
from collections.abc import Callable, Container, Mapping, Sequence
from pathlib import Path
from typing import Any, get_type_hints

from finegates.data.metric_kinds import scaled_text
from finegates.errors import SpecError
from finegates.runs.launch import HERE, LAUNCHERS, LOCAL, SLURM_FIELDS, Launch, SlurmSettings
from finegates.settings import allowed_range, base_type, words_of
from finegates.spec import FIELDS, RunSpec


def add_command(
    commands: Any,
    name: str,
    help: str,
    function: Callable[[argparse.Namespace], int],
    more: str = "",
) -> argparse.ArgumentParser:
    """Adds a command.

    Args:
        commands: What the parser's ``add_subparsers`` gave.
        name: Its name.
        help: What it does, in a few words.
        function: Carries it out and returns the exit code.
        more: What its own help says besides.
    """
    described = f"{help[0].upper()}{help[1:]}. {more}".strip().replace("%", "%%")
    parser = commands.add_parser(name, help=help, description=described)
    parser.set_defaults(command=function)
    return parser


def add_settings(parser: argparse.ArgumentParser, without: Container[str] = ()) -> None:
    """Adds a flag for every setting of a run, under the headings of `RunSpec`."""
    hints = get_type_hints(RunSpec)
    groups: dict[str, Any] = {}
    for field in FIELDS.values():
        if field.name not in without:
            group = field.metadata["group"]
            if group not in groups:
                groups[group] = parser.add_argument_group(group)
            _add_setting(groups[group], field, base_type(hints[field.name])[0])


def add_launcher(parser: argparse.ArgumentParser) -> None:
    """Adds the flags that say what starts the run: this machine, or Slurm with its settings."""
    group = parser.add_argument_group("launcher")
    group.add_argument(
        "--launcher",
        choices=LAUNCHERS,
        help=f"what starts it: this machine, or Slurm through submitit. Default: {LOCAL}.",
    )
    hints = get_type_hints(SlurmSettings)
    for field in SLURM_FIELDS.values():
        _add_setting(group, field, base_type(hints[field.name])[0], _SHORT.get(field.name, ()))


_SHORT = {"time_min": ("--time",), "memory_gb": ("--memory",)}


def given_launch(options: argparse.Namespace) -> Launch | None:
    """The launcher that was asked for; None if none was.

    Raises:
        SpecError: If a setting is not allowed, or one of Slurm's was given without it.
    """
    given = {name: getattr(options, name) for name in SLURM_FIELDS}
    given = {name: value for name, value in given.items() if value is not None}
    if given and options.launcher in (None, LOCAL):
        flags = ", ".join("--" + name.replace("_", "-") for name in given)
        raise SpecError(f"{flags} is for Slurm; give --launcher slurm with it, or leave it out.")
    if options.launcher is None:
        return None
    return HERE if options.launcher == LOCAL else Launch(options.launcher, SlurmSettings(**given))


def _add_setting(group: Any, field: Any, kind: type, short: Sequence[str] = ()) -> None:
    meta = field.metadata
    flag = "--" + field.name.replace("_", "-")
    default = field.default if field.default is not None else "none"
    words = [meta["help"], f"Allowed: {', '.join(meta['choices'])}." if meta["choices"] else ""]
    words += [f"({allowed_range(meta)})" if allowed_range(meta) else "", f"Default: {default}."]
    help = " ".join(filter(None, words)).replace("%", "%%")
    if kind is bool:
        group.add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=help)
    elif kind is tuple:
        group.add_argument(flag, type=words_of, metavar="A,B,...", help=help)
    else:
        group.add_argument(flag, *short, type=kind, metavar=kind.__name__.upper(), help=help)


def given_settings(options: argparse.Namespace) -> dict[str, Any]:
    """The settings that were given on the command line.

    Raises:
        SpecError: If one was given without a value, which is not to leave it out.
    """
    given = {name: getattr(options, name, None) for name in FIELDS}
    for name, value in given.items():
        if value == ():
            raise SpecError(f"{name} is empty; give a value, or leave {name} out.")
    return {name: value for name, value in given.items() if value is not None}


def add_runs_dir(parser: argparse.ArgumentParser) -> None:
    """Adds the flag for the folder of all runs."""
    help = "folder of all runs; default: $FINEGATES_RUNS_DIR, else cached_runs"
    parser.add_argument("--runs-dir", type=_path, help=help)


def _path(text: str) -> Path:
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty; give a folder, or leave it out")
    return Path(text)


def runs_dir_of(options: argparse.Namespace) -> Path:
    """The folder of all runs, as an absolute path."""
    from finegates.runs.folder import default_runs_dir

    return (options.runs_dir or default_runs_dir()).resolve()


def opened_run(options: argparse.Namespace) -> Any:
    """The run that was named.

    Raises:
        RunError: If there is no such run.
    """
    from finegates.runs.folder import open_run

    return open_run(runs_dir_of(options), options.run)


def percent(fraction: float | None) -> str:
    """A fraction for people."""
    return "-" if fraction is None else f"{100 * fraction:.1f}%"


def point_cells(point: Mapping[str, Any], metric: str) -> list[str]:
    """A point of `finegates.measuring.evaluation` as aligned cells: cut, removed, closed, score.

    One on a part of the rows says on how many, and how far off it may be.
    """
    asked = point["threshold"] if point["remove"] is None else point["remove"]
    cut = f"<= {asked:g}" if point["remove"] is None else percent(asked)
    fractions = [point["removed_weights_fraction"], point["closed_gates_fraction"]]
    cells = [
        f"{cut:>8}",
        *(f"{percent(f):>7}" for f in fractions),
        scaled_text(point["score"], metric),
    ]
    if "rows" in point:
        off = (point["score_high"] - point["score_low"]) / 2
        cells[-1] += f" +- {scaled_text(off, metric)}"
        cells.append(f"({point['rows']:,} of {point['all_rows']:,} rows)")
    number = point["reopened_gates"]
    if number:
        gates = "gate" if number == 1 else "gates"
        cells.append(f"({number:,} {gates} reopened, just above closing: the run had closed more)")
    return cells


def print_json(content: Any, indent: int | None = None) -> None:
    """Prints JSON to stdout, on one line if no indent is given."""
    print(json.dumps(content, indent=indent), flush=True)
