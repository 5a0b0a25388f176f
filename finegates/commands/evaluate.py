"""``evaluate``: one finished run at several cuts, without training it again."""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from finegates.commands.follow import INTERRUPTED
from finegates.commands.options import (
    add_command,
    add_runs_dir,
    opened_run,
    point_cells,
    print_json,
)
from finegates.data.metric_kinds import scaled_name
from finegates.errors import SpecError
from finegates.gates.cuts import CURVE_POINTS, Cut
from finegates.runs.folder import Run
from finegates.runs.label_errors import error_words
from finegates.settings import numbers_of
from finegates.spec import FIELDS

REMOVE_RANGE = {"minimum": 0.0, "maximum": 0.99, "unit": ""}
THRESHOLD_RANGE = {"minimum": 0.0, "maximum": 1.0, "unit": ""}
LEAST_ROWS = 2

Point = dict[str, Any]


def add(commands: Any) -> None:
    """Adds the command."""
    parser = add_command(
        commands,
        "evaluate",
        "score a finished run with its gates cut off elsewhere",
        _evaluate,
        "At a budget exactly the lowest gates are closed, at a threshold those up to it; the "
        "smaller model is made and scored. A run without gates is closed by the size of its rows "
        "and columns. Nothing is trained. The points are kept in the run's curve.json. A curve "
        "comes roughly at first, each point with a 95 percent interval from a part of the rows, "
        "and is then refined to all rows, what is least certain first. Ctrl+C keeps what is known, "
        "and the same command goes on from there.",
    )
    add_runs_dir(parser)
    parser.add_argument("run", help="the run's id")
    cuts = parser.add_mutually_exclusive_group(required=True)
    cuts.add_argument("--remove", metavar="A,B,...", help="fractions of the gated weights")
    cuts.add_argument("--threshold", metavar="A,B,...", help="gate values, 0 to 1")
    cuts.add_argument(
        "--curve",
        action="store_true",
        help=f"{CURVE_POINTS} cuts that remove ever more in even steps, from what training left",
    )
    parser.add_argument(
        "--rows", type=int, metavar="N", help="of --curve: stop once each point has so many rows"
    )
    parser.add_argument("--device", default="auto", help=FIELDS["device"].metadata["help"])
    parser.add_argument("--json", action="store_true", help="print the JSON line only")


def _evaluate(options: argparse.Namespace) -> int:
    from finegates.jobs.inputs import check_device
    from finegates.machine.devices import matching_devices

    cuts = _cuts(options)
    run = opened_run(options)
    check_device(options.device)
    device = matching_devices(options.device)[0].name
    metric = run.status().metric
    if not options.json:
        header = f"{'cut':>8}  {'removed':>7}  {'closed':>7}  {scaled_name(metric)}"
        print(header, file=sys.stderr)
    tell = None if options.json else partial(_tell, metric)
    if cuts is None:
        return _curve(run, device, tell, options.rows)
    from finegates.jobs.tasks import reported
    from finegates.measuring.evaluation import evaluate_cuts  # torch loads here

    points = evaluate_cuts(run, cuts, device, tell, reported())
    print_json({"run": run.id, "points": points})
    return 0


def _curve(run: Run, device: str, tell: Callable[[Point], None] | None, rows: int | None) -> int:
    """As it grows; Ctrl+C ends it, and what is known stays."""
    from finegates.jobs.tasks import reported
    from finegates.measuring.curve import grow_curve  # torch loads here

    known: dict[int, Point] = {}

    def told(point: Point) -> None:
        known[point["closed_gates"]] = point
        if tell:
            tell(point)

    try:
        points = grow_curve(run, device, told, reported(), rows)
    except KeyboardInterrupt:
        done = sum("rows" not in point for point in known.values())
        again = f"python -m finegates evaluate {run.id} --curve"
        print(
            f"\n{done} of {len(known)} points are scored on all rows, the others on a part. What "
            f"is known is kept; to go on: {again}", file=sys.stderr,
        )  # fmt: skip
        return INTERRUPTED
    print_json({"run": run.id, "points": points})
    return 0


def _tell(metric: str, point: Point) -> None:
    cells = [*point_cells(point, metric), error_words(point.get("metrics"))]
    print("  ".join(filter(None, cells)), file=sys.stderr, flush=True)


def _cuts(options: argparse.Namespace) -> list[Cut] | None:
    """None for a whole curve: where its cuts are depends on the gates."""
    if options.rows is not None and not (options.curve and options.rows >= LEAST_ROWS):
        raise SpecError(f"rows is {options.rows}; it is for --curve, and at least {LEAST_ROWS}.")
    if options.curve:
        return None
    if options.threshold is not None:
        numbers = numbers_of("threshold", options.threshold, float, THRESHOLD_RANGE)
        return [Cut(threshold=number) for number in numbers]
    numbers = numbers_of("remove", options.remove, float, REMOVE_RANGE)
    return [Cut(remove=number) for number in numbers]
