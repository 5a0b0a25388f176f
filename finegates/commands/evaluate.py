"""``evaluate``: one finished run at several cuts, without training it again."""

import argparse
import sys
from typing import Any

from finegates.commands.options import (
    add_command,
    add_runs_dir,
    opened_run,
    point_cells,
    print_json,
)
from finegates.gates.cuts import CURVE_POINTS, Cut
from finegates.runs.label_errors import error_words
from finegates.settings import numbers_of
from finegates.spec import FIELDS

REMOVE_RANGE = {"minimum": 0.0, "maximum": 0.99, "unit": ""}
THRESHOLD_RANGE = {"minimum": 0.0, "maximum": 1.0, "unit": ""}


def add(commands: Any) -> None:
    """Adds the command."""
    parser = add_command(
        commands,
        "evaluate",
        "score a finished run with its gates cut off elsewhere",
        _evaluate,
        "At a budget exactly the lowest gates are closed, at a threshold those up to it; the "
        "smaller model is made and scored. A run without gates is closed by the size of its rows "
        "and columns. Nothing is trained. The points are kept in the run's curve.json.",
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
    parser.add_argument("--device", default="auto", help=FIELDS["device"].metadata["help"])
    parser.add_argument("--json", action="store_true", help="print the JSON line only")


def _evaluate(options: argparse.Namespace) -> int:
    from finegates.jobs.inputs import check_device
    from finegates.machine.devices import matching_devices

    cuts = _cuts(options)
    run = opened_run(options)
    check_device(options.device)
    from finegates.jobs.tasks import reported
    from finegates.measuring.evaluation import evaluate_cuts  # torch loads here

    def tell(point: dict[str, Any]) -> None:
        cells = filter(None, [*point_cells(point), error_words(point["metrics"])])
        print("  ".join(cells), file=sys.stderr, flush=True)

    if not options.json:
        header = f"{'cut':>8}  {'removed':>7}  {'closed':>7}  {run.status().metric} x 100"
        print(header, file=sys.stderr)
    device = matching_devices(options.device)[0].name
    points = evaluate_cuts(run, cuts, device, None if options.json else tell, reported())
    print_json({"run": run.id, "points": points})
    return 0


def _cuts(options: argparse.Namespace) -> list[Cut] | None:
    """None for a whole curve: where its cuts are depends on the gates."""
    if options.curve:
        return None
    if options.threshold is not None:
        numbers = numbers_of("threshold", options.threshold, float, THRESHOLD_RANGE)
        return [Cut(threshold=number) for number in numbers]
    numbers = numbers_of("remove", options.remove, float, REMOVE_RANGE)
    return [Cut(remove=number) for number in numbers]
