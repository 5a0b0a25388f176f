"""``evaluate``: one finished run at several budgets, without training it again."""

import argparse
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from finegates.commands.options import (
    add_command,
    add_runs_dir,
    opened_run,
    percent,
    print_json,
)
from finegates.settings import numbers_of
from finegates.spec import FIELDS

REMOVE_RANGE = {"minimum": 0.0, "maximum": 0.99, "unit": ""}


def add(commands: Any) -> None:
    """Adds the command."""
    parser = add_command(
        commands,
        "evaluate",
        "score a finished run with its gates rounded to other budgets",
        _evaluate,
        "For each fraction exactly the lowest gates are closed; a run without gates is closed by "
        "the size of its rows and columns. Nothing is trained. The points are kept in the run's "
        "curve.json, in place of those of an earlier evaluation.",
    )
    add_runs_dir(parser)
    parser.add_argument("run", help="the run's id")
    parser.add_argument(
        "--remove", required=True, metavar="A,B,...", help="fractions of the gated weights, 0 to 1"
    )
    parser.add_argument("--device", default="auto", help=FIELDS["device"].metadata["help"])
    parser.add_argument("--json", action="store_true", help="print the JSON line only")


def _evaluate(options: argparse.Namespace) -> int:
    from finegates.devices import matching_devices
    from finegates.inputs import check_device

    fractions = numbers_of("remove", options.remove, float, REMOVE_RANGE)
    run = opened_run(options)
    check_device(options.device)
    from finegates.evaluation import evaluate_removals  # torch loads here

    points = evaluate_removals(run, fractions, matching_devices(options.device)[0].name)
    if not options.json:
        print("\n".join(_lines(points, run.status().metric)), file=sys.stderr)
    print_json({"run": run.id, "points": points})
    return 0


def _lines(points: Iterable[Mapping[str, Any]], metric: str) -> list[str]:
    lines = [f"{'asked':>7}  {'removed':>7}  {'closed':>7}  {metric} x 100"]
    for point in points:
        fractions = ("remove", "removed_weights_fraction", "closed_gates_fraction")
        cells = [f"{percent(point[name]):>7}" for name in fractions]
        lines.append("  ".join([*cells, f"{100 * point['score']:.1f}", *_reopened(point)]))
    return lines


def _reopened(point: Mapping[str, Any]) -> list[str]:
    number = point["reopened_gates"]
    if not number:
        return []
    gates = "gate" if number == 1 else "gates"
    return [f"({number:,} {gates} reopened, just above closing: the run had closed more)"]
